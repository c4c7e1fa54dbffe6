{{- /* Labels that find a component's pods: never changed, because a Deployment's selector cannot be. */}}
{{- define "somahub.selector" -}}
app.kubernetes.io/name: somahub
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "somahub.labels" -}}
{{ include "somahub.selector" . }}
app.kubernetes.io/part-of: somahub
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end }}

{{- /* The labels by which Zero-to-JupyterHub finds its pods: hub, proxy, singleuser-server. */}}
{{- define "somahub.jupyterhub.selector" -}}
component: {{ .component }}
app: jupyterhub
release: {{ .root.Release.Name | quote }}
{{- end }}

{{- /* A name for what is not in a namespace: no two releases share one. */}}
{{- define "somahub.clusterwide" -}}
{{ printf "%s-%s-%s" .root.Release.Namespace .root.Release.Name .name }}
{{- end }}

{{- define "somahub.hub.image" -}}
{{- printf "%s:%s" .Values.jupyterhub.hub.image.name .Values.jupyterhub.hub.image.tag }}
{{- end }}

{{- /* The secrets that give access to the images, as Zero-to-JupyterHub's pods have them. */}}
{{- define "somahub.imagePullSecrets" -}}
{{- $names := list }}
{{- range .Values.jupyterhub.imagePullSecrets | default list }}
{{- $names = append $names (ternary (dict "name" .) . (kindIs "string" .)) }}
{{- end }}
{{- if dig "imagePullSecret" "create" false .Values.jupyterhub }}
{{- $names = append $names (dict "name" "image-pull-secret") }}
{{- end }}
{{- with $names }}
imagePullSecrets:
{{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- /* Pod Security "restricted", for a pod and for a container. */}}
{{- define "somahub.restricted.pod" -}}
runAsNonRoot: true
runAsUser: 1000
runAsGroup: 1000
fsGroup: 1000
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "somahub.restricted.container" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{- /* What the chart says of its cluster, for the hub and the service. */}}
{{- define "somahub.cluster" -}}
{{- include "somahub.checks" . }}
{{- pick .Values "apps" "autoscaling" "startMinutes" | toYaml }}
{{- end }}

{{- /* The documents: those of the chart, with the values' in their place or beside them. */}}
{{- define "somahub.profiles" -}}
{{- $documents := dict }}
{{- range $path, $text := .Files.Glob "spawner_profiles/*.yaml" }}
{{- $_ := set $documents (base $path) (toString $text) }}
{{- end }}
{{- range $name, $text := .Values.profiles }}
{{- if $text }}
{{- $_ := set $documents $name $text }}
{{- else if hasKey $documents $name }}
{{- $_ := unset $documents $name }}
{{- else }}
{{- fail (printf "\n\nprofiles: %s is left out, but the chart has no such file. It has: %s" $name (keys $documents | sortAlpha | join ", ")) }}
{{- end }}
{{- end }}
{{- toYaml $documents }}
{{- end }}

{{- /* Volumes and mounts of both, alike wherever they are read. `names`: the ConfigMaps of the two. */}}
{{- define "somahub.documents.volumes" -}}
- name: cluster
  configMap: {name: {{ .cluster }}}
- name: profiles
  configMap: {name: {{ .profiles }}}
{{- end }}

{{- define "somahub.documents.mounts" -}}
- {name: cluster, mountPath: /etc/somahub/cluster, readOnly: true}
- {name: profiles, mountPath: /etc/somahub/profiles, readOnly: true}
{{- end }}

{{- define "somahub.documents.env" -}}
- {name: SOMAHUB_CLUSTER, value: /etc/somahub/cluster/cluster.yaml}
- {name: SOMAHUB_PROFILES, value: /etc/somahub/profiles}
{{- end }}
