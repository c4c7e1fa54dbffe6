{{- /* What a schema cannot say in words: each a line that says where, what and what to do. */}}
{{- define "somahub.checks" -}}
{{- $images := "Build the images with `make images`, and add the values file that it writes with -f." }}
{{- $hub := .Values.jupyterhub.hub }}
{{- if not .Values.apps }}
{{- fail (print "\n\napps: no app has an image. " $images) }}
{{- end }}
{{- if not .Values.service.image }}
{{- fail (print "\n\nservice.image: is empty. " $images) }}
{{- end }}
{{- if not (and $hub.image.name $hub.image.tag) }}
{{- fail (print "\n\njupyterhub.hub.image: has no name or no tag. " $images) }}
{{- end }}
{{- range $list := list "extraVolumes" "extraVolumeMounts" }}
{{- range $name := list "cluster" "profiles" }}
{{- $found := false }}
{{- range get $hub $list | default list }}
{{- $found = or $found (eq .name $name) }}
{{- end }}
{{- if not $found }}
{{- fail (printf "\n\njupyterhub.hub.%s: has no %q. A list of yours takes the place of the chart's: copy %q and %q from its values.yaml into it." $list $name "cluster" "profiles") }}
{{- end }}
{{- end }}
{{- end }}
{{- $known := hasKey ($hub.services | default dict) "dask-gateway" }}
{{- if ne $known (index .Values "dask-gateway").enabled }}
{{- fail (printf "\n\ndask-gateway.enabled: is %t, but the hub %s. Add helm/somahub/dask-gateway.yaml with -f, or leave both out." (not $known) (ternary "has it among jupyterhub.hub.services" "does not know it" $known)) }}
{{- end }}
{{- /* Helm brings a chart's new kinds to the cluster with a first installation, and with no upgrade. */}}
{{- if and (index .Values "dask-gateway").enabled .Release.IsUpgrade (not (.Capabilities.APIVersions.Has "gateway.dask.org/v1alpha1")) }}
{{- fail "\n\ndask-gateway.enabled: this cluster lacks its kinds. Run `helm show crds helm/somahub | kubectl apply --server-side -f -` first." }}
{{- end }}
{{- range $role := list "user" "server" }}
{{- if hasKey ($hub.loadRoles | default dict) $role }}
{{- fail (printf "\n\njupyterhub.hub.loadRoles: %q is somahub's own role. Give yours another name." $role) }}
{{- end }}
{{- end }}
{{- if dig "config" "JupyterHub" "authenticator_class" "" $hub | default "" | lower | contains "dummy" }}
{{- fail "\n\njupyterhub.hub.config.JupyterHub.authenticator_class: dummy lets anybody in as anybody. Leave it out for somahub's own passwords, or name your provider's, such as github." }}
{{- end }}
{{- if not .Values.jupyterhub.rbac.create }}
{{- range $option, $on := dict
  "scheduling.userScheduler" (dig "scheduling" "userScheduler" "enabled" false .Values.jupyterhub)
  "prePuller.hook" (dig "prePuller" "hook" "enabled" false .Values.jupyterhub)
  "proxy.https (letsencrypt)" (and (dig "proxy" "https" "enabled" false .Values.jupyterhub) (eq "letsencrypt" (dig "proxy" "https" "type" "letsencrypt" .Values.jupyterhub))) }}
{{- if $on }}
{{- fail (printf "\n\njupyterhub.%s: is on, and needs a Role of its own. Set jupyterhub.rbac.create to true as well." $option) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
