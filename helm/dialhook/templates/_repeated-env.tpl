{{- /*
Errors of environment variables that are set twice, as a list. Kubernetes would use the last one, and server-side apply,
which Helm 4 uses, refuses the object.
*/}}
{{- define "dialhook.repeatedEnv" -}}
{{- $errors := list }}
{{- $pods := list (dict "env" "" "settings" (dict) "lists" (list (dict "field" "agents.extraEnv" "entries" .Values.agents.extraEnv))) }}
{{- range $service := list "router" "notifier" "console" }}
{{- $values := index $.Values $service }}
{{- $pods = append $pods (dict
  "env" (include (printf "dialhook.%sEnv" $service) $)
  "settings" $values.settings
  "settingsField" (printf "%s.settings" $service)
  "lists" (list (dict "field" (printf "%s.extraEnv" $service) "entries" $values.extraEnv))
) }}
{{- end }}
{{- $agents := .Values.agents }}
{{- $nodes := (include "dialhook.nodes" . | fromYaml).nodes }}
{{- if $agents.daemonSet.enabled }}
{{- $nodes = append $nodes (merge (dict "secret" $agents.daemonSet.existingSecret "settings" $agents.settings) $agents.daemonSet) }}
{{- end }}
{{- range $node := $nodes }}
{{- $lists := list (dict "field" "agents.extraEnv" "entries" $agents.extraEnv) }}
{{- range $agents.nodes }}
{{- if eq .name (default "" $node.name) }}
{{- $lists = append $lists (dict "field" (printf "agents.nodes: extraEnv of %q" .name) "entries" (default list .extraEnv)) }}
{{- end }}
{{- end }}
{{- $pods = append $pods (dict
  "env" (include "dialhook.agentEnv" (dict "root" $ "node" $node "healthHost" $agents.listenHost))
  "settings" $node.settings
  "settingsField" "the settings of the agents"
  "lists" $lists
) }}
{{- end }}
{{- range $pod := $pods }}
{{- $fields := dict }}
{{- range $pod.env | fromYamlArray }}
{{- $_ := set $fields .name (ternary $pod.settingsField "another value of the chart" (hasKey $pod.settings .name)) }}
{{- end }}
{{- range $list := $pod.lists }}
{{- range $list.entries }}
{{- $other := get $fields .name }}
{{- if eq $other $list.field }}
{{- $errors = append $errors (printf "%s sets %s twice" $list.field .name) }}
{{- else if $other }}
{{- $errors = append $errors (printf "%s and %s both set %s" $list.field $other .name) }}
{{- end }}
{{- $_ := set $fields .name $list.field }}
{{- end }}
{{- end }}
{{- end }}
{{- toYaml (uniq $errors) }}
{{- end }}
