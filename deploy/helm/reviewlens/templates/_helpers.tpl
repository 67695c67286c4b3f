{{- define "reviewlens.name" -}}
{{- if contains "reviewlens" .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-reviewlens" .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "reviewlens.selector" -}}
app.kubernetes.io/name: reviewlens
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .name }}
{{- end -}}

{{- define "reviewlens.labels" -}}
{{ include "reviewlens.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end -}}

{{- /* All services of docker-compose.prod.yml, as JSON. */ -}}
{{- define "reviewlens.document" -}}
{{- .Files.Get "files/services.json" -}}
{{- end -}}

{{- define "reviewlens.image" -}}
{{- if eq .service.kind "proxy" -}}
{{- .root.Values.proxyImage -}}
{{- else if .root.Values.image.digest -}}
{{- printf "%s@%s" .root.Values.image.repository .root.Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .root.Values.image.repository (required "image: set a digest or a tag" .root.Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{- /* Value of a setting: its own, or that of a parameter. Names of services become names of Services. */ -}}
{{- define "reviewlens.setting" -}}
{{- $setting := .setting -}}
{{- if hasKey $setting "value" -}}
{{- $setting.value | replace "//proxy:" (printf "//%s-proxy:" (include "reviewlens.name" .root)) -}}
{{- else if eq $setting.parameter "page_host" -}}
{{- .root.Values.ingress.pageHost -}}
{{- else -}}
{{- $value := index .root.Values.settings $setting.parameter | toString -}}
{{- if $setting.required -}}
{{- required (printf "settings.%s: must be set" $setting.parameter) $value -}}
{{- else -}}
{{- $value -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "reviewlens.environment" -}}
{{- $settings := .service.settings -}}
{{- if .service.common_settings -}}
{{- $settings = merge (dict) .service.settings .document.settings -}}
{{- end -}}
{{- range $name, $setting := $settings }}
- name: {{ $name }}
  value: {{ include "reviewlens.setting" (dict "root" $.root "setting" $setting) | quote }}
{{- end }}
{{- end -}}

{{- define "reviewlens.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ .service.user }}
runAsGroup: {{ .service.user }}
fsGroup: {{ .service.user }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- /* Names of the secrets that a service mounts, as JSON. */ -}}
{{- define "reviewlens.secrets" -}}
{{- $names := .service.secrets -}}
{{- if not .root.Values.awsCredentials -}}
{{- $names = without $names "aws_credentials" -}}
{{- end -}}
{{- $names | toJson -}}
{{- end -}}

{{- /* The account with a role of AWS is for the services that use AWS alone. */ -}}
{{- define "reviewlens.account" -}}
{{- include "reviewlens.name" .root -}}
{{- if not (has "aws_credentials" .service.secrets) -}}-plain{{- end -}}
{{- end -}}

{{- define "reviewlens.container" -}}
{{- $own := index .root.Values.services .name | default dict -}}
image: {{ include "reviewlens.image" . }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
command: {{ .service.command | toJson }}
{{- with include "reviewlens.environment" . | trim }}
env:
  {{- . | nindent 2 }}
{{- end }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
resources:
  {{- with $own.resources }}
  {{- toYaml . | nindent 2 }}
  {{- else }}
  requests: {cpu: {{ printf "%dm" (mulf .service.cpus 500 | int) }}, memory: {{ printf "%dMi" (.service.memory_mib | int) }}, ephemeral-storage: 100Mi}
  limits: {cpu: {{ printf "%dm" (mulf .service.cpus 1000 | int) }}, memory: {{ printf "%dMi" (.service.memory_mib | int) }}}
  {{- end }}
volumeMounts:
  - {name: tmp, mountPath: /tmp}
  {{- if include "reviewlens.secrets" . | fromJsonArray }}
  - {name: secrets, mountPath: /run/secrets, readOnly: true}
  {{- end }}
  {{- range .service.folders }}
  - {name: {{ base . }}, mountPath: {{ . }}}
  {{- end }}
  {{- range $path, $file := .service.files }}
  - {name: files, mountPath: {{ $path }}, subPath: {{ $file }}, readOnly: true}
  {{- end }}
{{- end -}}

{{- define "reviewlens.volumes" -}}
- name: tmp
  emptyDir: {sizeLimit: 512Mi}
{{- /* without names, the volume would have all keys of the Secret */}}
{{- with include "reviewlens.secrets" . | fromJsonArray }}
- name: secrets
  secret:
    secretName: {{ $.root.Values.secretName }}
    defaultMode: 0440
    items:
      {{- range . }}
      - {key: {{ . }}, path: {{ . }}}
      {{- end }}
{{- end }}
{{- range .service.folders }}
{{- $folder := index $.root.Values.folders (base .) }}
- name: {{ base . }}
  {{- if and $folder.persistent (ne $.service.kind "once") }}
  persistentVolumeClaim: {claimName: {{ include "reviewlens.name" $.root }}-{{ base . }}}
  {{- else }}
  emptyDir: {sizeLimit: {{ $folder.size }}}
  {{- end }}
{{- end }}
{{- if .service.files }}
- name: files
  configMap: {name: {{ include "reviewlens.name" .root }}-{{ .name }}}
{{- end }}
{{- end -}}
