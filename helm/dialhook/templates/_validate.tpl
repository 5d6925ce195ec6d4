{{- /* What no schema can say: values that contradict each other. All of them are told at once. */}}
{{- define "dialhook.validate" -}}
{{- $wrong := list }}
{{- $fullname := include "dialhook.fullname" . }}
{{- range $service := list "agents" "router" "notifier" "console" }}
{{- $values := index $.Values $service }}
{{- $drain := mul 1000 (int64 (default 0 $values.drainSeconds)) }}
{{- $needed := add $drain (int64 $values.stopDeadlineMs) }}
{{- if le (mul 1000 (int64 $values.terminationGracePeriodSeconds)) $needed }}
{{- $wrong = append $wrong (printf "%s.terminationGracePeriodSeconds (%v s) must be more than %s: the pod would be killed with work in hand" $service $values.terminationGracePeriodSeconds (ternary (printf "drainSeconds and stopDeadlineMs together (%v ms)" $needed) (printf "stopDeadlineMs (%v ms)" $needed) (eq $service "agents"))) }}
{{- end }}
{{- end }}
{{- range $service := list "router" "notifier" }}
{{- with (index $.Values $service).autoscaling }}
{{- if and .enabled (gt (int .minReplicas) (int .maxReplicas)) }}
{{- $wrong = append $wrong (printf "%s.autoscaling.minReplicas (%v) must not be more than maxReplicas (%v)" $service .minReplicas .maxReplicas) }}
{{- end }}
{{- end }}
{{- end }}
{{- with .Values.notifier.keda }}
{{- if .enabled }}
{{- if $.Values.notifier.autoscaling.enabled }}
{{- $wrong = append $wrong "notifier.keda.enabled and notifier.autoscaling.enabled contradict each other: one of them may scale the notifiers" }}
{{- end }}
{{- if not .natsMonitoring }}
{{- $wrong = append $wrong "notifier.keda.natsMonitoring must be set: KEDA reads the stream's lag from NATS's monitoring port" }}
{{- end }}
{{- if gt (int .minReplicas) (int .maxReplicas) }}
{{- $wrong = append $wrong (printf "notifier.keda.minReplicas (%v) must not be more than maxReplicas (%v)" .minReplicas .maxReplicas) }}
{{- end }}
{{- end }}
{{- end }}
{{- with .Values.nats.auth }}
{{- $keys := compact (list .passwordKey .tokenKey .nkeySeedKey .credsKey) }}
{{- if and $keys (not .existingSecret) }}
{{- $wrong = append $wrong (printf "nats.auth.existingSecret must be set: the Secret that has the key %s" (first $keys)) }}
{{- end }}
{{- if and .existingSecret (ne (len $keys) 1) }}
{{- $wrong = append $wrong "nats.auth needs one of passwordKey, tokenKey, nkeySeedKey and credsKey: which key of the Secret to log in with" }}
{{- end }}
{{- if ne (empty .user) (empty .passwordKey) }}
{{- $wrong = append $wrong "nats.auth.user and nats.auth.passwordKey belong together" }}
{{- end }}
{{- end }}
{{- if ne (empty .Values.nats.tls.certKey) (empty .Values.nats.tls.keyKey) }}
{{- $wrong = append $wrong "nats.tls.certKey and nats.tls.keyKey belong together" }}
{{- end }}
{{- $names := dict }}
{{- range (include "dialhook.nodes" . | fromYaml).nodes }}
{{- if hasKey $names .name }}
{{- $wrong = append $wrong (printf "agents.nodes names %q twice: every FreeSWITCH node needs a name of its own" .name) }}
{{- end }}
{{- $_ := set $names .name true }}
{{- if gt (len .fullname) 63 }}
{{- $wrong = append $wrong (printf "%s is longer than 63 characters, more than a Service may be called: set fullnameOverride or a shorter name for the node" .fullname) }}
{{- end }}
{{- if eq (int .socketPort) (int .healthPort) }}
{{- $wrong = append $wrong (printf "agents.nodes: socketPort and healthPort of %q must differ (both are %v)" .name .socketPort) }}
{{- end }}
{{- end }}
{{- with .Values.agents.daemonSet }}
{{- if and .enabled (not .existingSecret.name) }}
{{- $wrong = append $wrong "agents.daemonSet.existingSecret.name must be set: the Secret with the password of FreeSWITCH's event socket" }}
{{- end }}
{{- end }}
{{- with .Values.console }}
{{- if .enabled }}
{{- if not .tokens.existingSecret }}
{{- $wrong = append $wrong "console.tokens.existingSecret must be set: the Secret with the tokens of those who may log in" }}
{{- end }}
{{- if not (or .tokens.viewerKey .tokens.operatorKey) }}
{{- $wrong = append $wrong "console.tokens needs viewerKey or operatorKey: nobody could log in" }}
{{- end }}
{{- if and .ingress.enabled (not .ingress.host) }}
{{- $wrong = append $wrong "console.ingress.host must be set: the name by which the page is reached" }}
{{- end }}
{{- end }}
{{- end }}
{{- if gt (len $fullname) 54 }}
{{- $wrong = append $wrong (printf "%s is too long for the names of the objects, at most 54 characters are left for it: set fullnameOverride" $fullname) }}
{{- end }}
{{- if $wrong }}
{{- fail (printf "\n\n%s\n" (join "\n" $wrong)) }}
{{- end }}
{{- end }}
