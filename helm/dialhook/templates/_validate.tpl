{{- /* Checks that the schema cannot express: values that contradict each other. All errors are reported at once. */}}
{{- define "dialhook.validate" -}}
{{- $errors := list }}
{{- $fullname := include "dialhook.fullname" . }}
{{- range $service := list "agents" "router" "notifier" "console" }}
{{- $values := index $.Values $service }}
{{- $drain := mul 1000 (int64 (default 0 $values.drainSeconds)) }}
{{- $needed := add $drain (int64 $values.stopDeadlineMs) }}
{{- if le (mul 1000 (int64 $values.terminationGracePeriodSeconds)) $needed }}
{{- $errors = append $errors (printf "%s.terminationGracePeriodSeconds (%v s) must be more than %s: the pod would be killed with work in flight" $service $values.terminationGracePeriodSeconds (ternary (printf "drainSeconds and stopDeadlineMs together (%v ms)" $needed) (printf "stopDeadlineMs (%v ms)" $needed) (eq $service "agents"))) }}
{{- end }}
{{- end }}
{{- range $service := list "router" "notifier" }}
{{- with (index $.Values $service).autoscaling }}
{{- if and .enabled (gt (int .minReplicas) (int .maxReplicas)) }}
{{- $errors = append $errors (printf "%s.autoscaling.minReplicas (%v) must not be more than maxReplicas (%v)" $service .minReplicas .maxReplicas) }}
{{- end }}
{{- end }}
{{- end }}
{{- with .Values.notifier.keda }}
{{- if .enabled }}
{{- if $.Values.notifier.autoscaling.enabled }}
{{- $errors = append $errors "notifier.keda.enabled and notifier.autoscaling.enabled contradict each other: enable only one autoscaler for the notifiers" }}
{{- end }}
{{- if not .natsMonitoring }}
{{- $errors = append $errors "notifier.keda.natsMonitoring must be set: KEDA reads the stream's lag from NATS's monitoring port" }}
{{- end }}
{{- if gt (int .minReplicas) (int .maxReplicas) }}
{{- $errors = append $errors (printf "notifier.keda.minReplicas (%v) must not be more than maxReplicas (%v)" .minReplicas .maxReplicas) }}
{{- end }}
{{- end }}
{{- end }}
{{- with .Values.nats.auth }}
{{- $keys := compact (list .passwordKey .tokenKey .nkeySeedKey .credsKey) }}
{{- if and $keys (not .existingSecret) }}
{{- $errors = append $errors (printf "nats.auth.existingSecret must be set: the Secret with the key %s" (first $keys)) }}
{{- end }}
{{- if and .existingSecret (ne (len $keys) 1) }}
{{- $errors = append $errors "nats.auth needs exactly one of passwordKey, tokenKey, nkeySeedKey and credsKey: the key of the Secret with the credentials" }}
{{- end }}
{{- if ne (empty .user) (empty .passwordKey) }}
{{- $errors = append $errors "nats.auth.user and nats.auth.passwordKey must be set together" }}
{{- end }}
{{- end }}
{{- with .Values.redis.auth }}
{{- $keys := compact (list .passwordKey .sentinelPasswordKey) }}
{{- if and $keys (not .existingSecret) }}
{{- $errors = append $errors (printf "redis.auth.existingSecret must be set: the Secret with the key %s" (first $keys)) }}
{{- end }}
{{- if and .existingSecret (not $keys) }}
{{- $errors = append $errors "redis.auth needs passwordKey or sentinelPasswordKey: the key of the Secret with the password" }}
{{- end }}
{{- if and .user (not .passwordKey) }}
{{- $errors = append $errors "redis.auth.user needs redis.auth.passwordKey" }}
{{- end }}
{{- end }}
{{- if ne (empty .Values.nats.tls.certKey) (empty .Values.nats.tls.keyKey) }}
{{- $errors = append $errors "nats.tls.certKey and nats.tls.keyKey must be set together" }}
{{- end }}
{{- $names := dict }}
{{- range (include "dialhook.nodes" . | fromYaml).nodes }}
{{- if hasKey $names .name }}
{{- $errors = append $errors (printf "agents.nodes has two nodes named %q: node names must be unique" .name) }}
{{- end }}
{{- $_ := set $names .name true }}
{{- if gt (len .fullname) 63 }}
{{- $errors = append $errors (printf "%s is longer than 63 characters, the maximum for the name of a Service: set fullnameOverride or a shorter name for the node" .fullname) }}
{{- end }}
{{- if eq (int .socketPort) (int .healthPort) }}
{{- $errors = append $errors (printf "agents.nodes: socketPort and healthPort of %q must differ (both are %v)" .name .socketPort) }}
{{- end }}
{{- end }}
{{- $errors = concat $errors (include "dialhook.repeatedEnv" . | fromYamlArray) }}
{{- with .Values.agents.daemonSet }}
{{- if and .enabled (not .existingSecret.name) }}
{{- $errors = append $errors "agents.daemonSet.existingSecret.name must be set: the Secret with the password of FreeSWITCH's event socket" }}
{{- end }}
{{- end }}
{{- with .Values.console }}
{{- if .enabled }}
{{- if not .tokens.existingSecret }}
{{- $errors = append $errors "console.tokens.existingSecret must be set: the Secret with the login tokens" }}
{{- end }}
{{- if not (or .tokens.viewerKey .tokens.operatorKey) }}
{{- $errors = append $errors "console.tokens needs viewerKey or operatorKey: without both no user can log in" }}
{{- end }}
{{- if and .ingress.enabled (not .ingress.host) }}
{{- $errors = append $errors "console.ingress.host must be set: the host name of the page" }}
{{- end }}
{{- end }}
{{- end }}
{{- if gt (len $fullname) 54 }}
{{- $errors = append $errors (printf "%s is too long for the names of the objects (at most 54 characters): set fullnameOverride" $fullname) }}
{{- end }}
{{- if $errors }}
{{- fail (printf "\n\n%s\n" (join "\n" $errors)) }}
{{- end }}
{{- end }}
