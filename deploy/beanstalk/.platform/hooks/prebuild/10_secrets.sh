#!/bin/bash
# Write the secrets of the containers from Secrets Manager to files, before Docker Compose starts them.
set -euo pipefail
umask 077

property() { /opt/elasticbeanstalk/bin/get-config environment -k "$1"; }

folder=$(property SECRETS)
prefix=$(property SECRETS_PREFIX)
region=$(property AWS_REGION)
install --directory --mode=700 "$folder"

for name in api_keys database.json database_ca.pem reviewer_key.json page_api_key page_token; do
    file=$(mktemp --tmpdir="$folder")
    aws secretsmanager get-secret-value --region "$region" --secret-id "$prefix/$name" \
        --query SecretString --output text >"$file"
    # users of containers read it; the folder is closed to others
    chmod 444 "$file"
    mv --force "$file" "$folder/$name"
done

# the role of the instance is used
[ -e "$folder/aws_credentials" ] || install --mode=444 /dev/null "$folder/aws_credentials"
