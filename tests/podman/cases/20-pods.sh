# Pods, Kubernetes files, user namespaces.

case_containers_of_a_pod_share_their_namespaces() {
  d pod create --name "$ME-pod" --network none $(parent_option) --infra-image bb --infra-command idle >/dev/null
  d run -d --pod "$ME-pod" --name "$ME-a" bb idle >/dev/null
  d run -d --pod "$ME-pod" --name "$ME-b" bb idle >/dev/null
  local name
  for name in net ipc uts; do is "$(in_container b readlink /proc/self/ns/$name)" in_container a readlink /proc/self/ns/$name >/dev/null; done
  [ "$(in_container a readlink /proc/self/ns/pid)" != "$(in_container b readlink /proc/self/ns/pid)" ] || fail "one pid namespace"
  d pod stop -t 10 "$ME-pod" >/dev/null
  d pod start "$ME-pod" >/dev/null
  is here in_container a echo here
  d pod rm -f -t 0 "$ME-pod" >/dev/null
}
case_a_pod_with_one_pid_namespace() {
  d pod create --name "$ME-pod" --network none --share pid,ipc,net $(parent_option) --infra-image bb --infra-command idle >/dev/null
  d run -d --pod "$ME-pod" --name "$ME-a" bb sh -c 'sleep 3911 & exec sleep 3912' >/dev/null
  d run -d --pod "$ME-pod" --name "$ME-b" bb idle >/dev/null
  has 'sleep 3912' in_container b ps -o args
  d stop -t 1 "$ME-a" >/dev/null 2>&1
  await bash -c "! pgrep -f 'sleep 391[12]' -P 1"
  d pod rm -f -t 0 "$ME-pod" >/dev/null
}
kubernetes_file() {
  cat <<YAML
apiVersion: v1
kind: Pod
metadata: {name: $ME-kube}
spec:
  restartPolicy: Never
  containers:
  - name: server
    image: localhost/bb
    command: [sh, -c, "echo \$WORD; exec idle"]
    env: [{name: WORD, value: from-yaml}]
    securityContext: {runAsUser: 1000, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
    volumeMounts: [{name: shared, mountPath: /shared}]
  - name: client
    image: localhost/bb
    command: [idle]
    volumeMounts: [{name: shared, mountPath: /shared}]
  volumes:
  - {name: shared, emptyDir: {}}
YAML
}
case_play_kube_makes_a_pod_and_takes_it_down() {
  d image exists k8s.gcr.io/pause:3.5 || d tag bb "$(infra_image)" 2>/dev/null || true
  kubernetes_file >"$DIR/pod.yaml"
  chmod 644 "$DIR/pod.yaml"
  d play kube --network none "$DIR/pod.yaml" >"$DIR/played" 2>&1 || fail "$(cat "$DIR/played")"
  await log_has kube-server from-yaml
  is 1000 in_container kube-server id -u
  status 1 in_container kube-server touch /file
  in_container kube-client sh -c 'echo both >/shared/file'
  is both in_container kube-server cat /shared/file
  d play kube --down "$DIR/pod.yaml" >/dev/null
  is '' d ps -aq --filter "name=$ME-kube"
}
infra_image() { d info -f '{{.Version.Version}}' | sed 's/^/localhost\/podman-pause:/'; }

case_keep_id_maps_the_user_to_himself() {
  rootless_only
  is "$USER_ID $USER_ID" run --userns keep-id bb sh -c 'echo $(id -u) $(id -g)'
  mkdir -p "$DIR/mine"
  chown "$USER_ID:$USER_ID" "$DIR/mine"
  run --userns keep-id -v "$DIR/mine:/mine" bb touch /mine/file
  is "$USER_ID" stat -c %u "$DIR/mine/file"
  idle a --userns keep-id
  is "$USER_ID" in_container a id -u
}
case_root_of_a_users_container_is_the_user() {
  rootless_only
  mkdir -p "$DIR/mine"
  chown "$USER_ID:$USER_ID" "$DIR/mine"
  run -v "$DIR/mine:/mine" bb touch /mine/file
  is "$USER_ID" stat -c %u "$DIR/mine/file"
  run -v "$DIR/mine:/mine" bb chown worker /mine/file
  is 1700999 stat -c %u "$DIR/mine/file"
}
case_groups_of_the_user_are_kept() {
  rootless_only
  same run --group-add keep-groups bb id -G
}
case_a_user_namespace_of_ones_own_mapping() {
  rootful_only
  is '0 100000 4096' run --uidmap 0:100000:4096 --gidmap 0:100000:4096 bb sh -c 'cat /proc/self/uid_map | tr -s " " | sed "s/^ //"'
  idle a --uidmap 0:100000:4096 --gidmap 0:100000:4096
  is 'root' in_container a stat -c %U /etc/passwd
}
