{{- /* A value as text; integers without an exponent, also if YAML has parsed them as floats. */}}
{{- define "dialhook.text" -}}
{{- if and (kindIs "float64" .) (eq . (floor .)) }}{{ int64 . }}{{ else }}{{ . }}{{ end }}
{{- end }}

{{- /* Environment variables from a map. */}}
{{- define "dialhook.settings" -}}
{{- range $name, $value := . }}
- name: {{ $name }}
  value: {{ include "dialhook.text" $value | quote }}
{{- end }}
{{- end }}

{{- /* An environment variable: from an existing Secret if it has a name, otherwise the value. Arguments: name, value, secret. */}}
{{- define "dialhook.secretOr" -}}
- name: {{ .name }}
  {{- if .secret.name }}
  valueFrom:
    secretKeyRef:
      name: {{ .secret.name }}
      key: {{ .secret.key }}
      optional: false
  {{- else }}
  value: {{ .value | quote }}
  {{- end }}
{{- end }}

{{- /* Environment variables of every service. Arguments: root, healthPort, listenHost, stopDeadlineMs, settings. */}}
{{- define "dialhook.commonEnv" -}}
{{- $values := .root.Values }}
{{- include "dialhook.secretOr" (dict "name" "NATS_URL" "value" $values.nats.url "secret" $values.nats.existingSecret) }}
{{- include "dialhook.natsAccess" $values.nats }}
- name: HEALTH_HOST
  value: {{ .listenHost | quote }}
- name: HEALTH_PORT
  value: {{ include "dialhook.text" .healthPort | quote }}
- name: STOP_DEADLINE_MS
  value: {{ include "dialhook.text" .stopDeadlineMs | quote }}
{{- include "dialhook.settings" (merge (dict) .settings (dict "LOG_LEVEL" $values.logLevel)) }}
{{- if or $values.trustedCertificates.configMap $values.trustedCertificates.secret }}
- name: NODE_EXTRA_CA_CERTS
  value: /etc/dialhook/certificates/{{ $values.trustedCertificates.key }}
{{- end }}
{{- with $values.telemetry }}
{{- if .otlp.endpoint }}
- name: POD_NAME
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
- name: POD_NAMESPACE
  valueFrom:
    fieldRef:
      fieldPath: metadata.namespace
- name: POD_NODE
  valueFrom:
    fieldRef:
      fieldPath: spec.nodeName
- name: OTEL_EXPORTER_OTLP_ENDPOINT
  value: {{ .otlp.endpoint | quote }}
{{- if not .otlp.metrics }}
- name: OTEL_METRICS_EXPORTER
  value: none
{{- end }}
{{- if .otlp.headers.existingSecret }}
- name: OTEL_EXPORTER_OTLP_HEADERS
  valueFrom:
    secretKeyRef:
      name: {{ .otlp.headers.existingSecret }}
      key: {{ .otlp.headers.key }}
      optional: false
{{- end }}
- name: OTEL_RESOURCE_ATTRIBUTES
  value: {{ include "dialhook.resourceAttributes" .resourceAttributes | quote }}
{{- end }}
{{- end }}
{{- end }}

{{- define "dialhook.resourceAttributes" -}}
k8s.pod.name=$(POD_NAME),k8s.namespace.name=$(POD_NAMESPACE),k8s.node.name=$(POD_NODE)
{{- range $name, $value := . }},{{ $name }}={{ $value }}{{ end }}
{{- end }}

{{- /* Credentials and certificates for NATS. */}}
{{- define "dialhook.natsAccess" -}}
{{- with .auth }}
{{- $secret := .existingSecret }}
{{- with .user }}
- name: NATS_USER
  value: {{ . | quote }}
{{- end }}
{{- range $name, $key := dict "NATS_PASSWORD" .passwordKey "NATS_TOKEN" .tokenKey "NATS_NKEY_SEED" .nkeySeedKey }}
{{- if $key }}
{{ include "dialhook.secretOr" (dict "name" $name "secret" (dict "name" $secret "key" $key)) }}
{{- end }}
{{- end }}
{{- with .credsKey }}
- name: NATS_CREDS_FILE
  value: /etc/dialhook/nats/{{ . }}
{{- end }}
{{- end }}
{{- if .tls.existingSecret }}
{{- range $name, $key := dict "NATS_TLS_CA_FILE" .tls.caKey "NATS_TLS_CERT_FILE" .tls.certKey "NATS_TLS_KEY_FILE" .tls.keyKey }}
{{- if $key }}
- name: {{ $name }}
  value: /etc/dialhook/nats-tls/{{ $key }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- /* Address and passwords of Redis. */}}
{{- define "dialhook.redisEnv" -}}
{{- include "dialhook.secretOr" (dict "name" "REDIS_URL" "value" .url "secret" .existingSecret) }}
{{- with .auth }}
{{- $secret := .existingSecret }}
{{- with .user }}
- name: REDIS_USER
  value: {{ . | quote }}
{{- end }}
{{- range $name, $key := dict "REDIS_PASSWORD" .passwordKey "REDIS_SENTINEL_PASSWORD" .sentinelPasswordKey }}
{{- if $key }}
{{ include "dialhook.secretOr" (dict "name" $name "secret" (dict "name" $secret "key" $key)) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- /* Signing secrets of routers, notifiers and embedded routers. */}}
{{- define "dialhook.signing" -}}
{{- with .Values.endpoints.signingSecrets }}
{{- if .name }}
{{ include "dialhook.secretOr" (dict "name" "ENDPOINT_SIGNING_SECRETS" "secret" .) }}
{{- end }}
{{- end }}
{{- end }}

{{- /* Environment variables of a service other than the agent, without its own. Arguments: root, service, healthPort. */}}
{{- define "dialhook.serviceEnv" -}}
{{- $service := index .root.Values .service }}
{{- include "dialhook.commonEnv" (dict "root" .root "healthPort" .healthPort "listenHost" .root.Values.agents.listenHost "stopDeadlineMs" $service.stopDeadlineMs "settings" $service.settings) }}
{{- end }}

{{- define "dialhook.routerEnv" -}}
{{- include "dialhook.serviceEnv" (dict "root" . "service" "router" "healthPort" 9102) }}
{{- include "dialhook.signing" . }}
{{- end }}

{{- define "dialhook.notifierEnv" -}}
{{- include "dialhook.redisEnv" .Values.redis }}
{{ include "dialhook.serviceEnv" (dict "root" . "service" "notifier" "healthPort" 9103) }}
{{- include "dialhook.signing" . }}
{{- end }}

{{- define "dialhook.consoleEnv" -}}
{{- include "dialhook.redisEnv" .Values.redis }}
{{ include "dialhook.serviceEnv" (dict "root" . "service" "console" "healthPort" 9104) }}
- name: CONSOLE_HOST
  value: {{ .Values.agents.listenHost | quote }}
- name: CONSOLE_PORT
  value: "8088"
{{- with .Values.console }}
{{- $secret := .tokens.existingSecret }}
{{- range $name, $key := dict "CONSOLE_VIEWER_TOKENS" .tokens.viewerKey "CONSOLE_OPERATOR_TOKENS" .tokens.operatorKey }}
{{- if $key }}
{{ include "dialhook.secretOr" (dict "name" $name "secret" (dict "name" $secret "key" $key)) }}
{{- end }}
{{- end }}
{{- with .traceUrlTemplate }}
- name: TRACE_URL_TEMPLATE
  value: {{ . | quote }}
{{- end }}
{{- end }}
{{- end }}
