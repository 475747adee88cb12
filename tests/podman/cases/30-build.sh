# buildah, and "podman build": RUN commands go through the runtime.

runtime_path() { if [ "$RT" = sut ]; then echo "$WORK/sut"; else echo "$REFERENCE"; fi; }
dockerfile() {
  printf '%s\n' 'FROM localhost/bb' 'ENV WORD=built' 'RUN echo $WORD >/made && id -u >>/made' 'USER worker' 'RUN id -u >/tmp/who' \
    'WORKDIR /data' 'CMD cat /made /tmp/who'
}
# Without the warnings about ambient capabilities, which buildah asks for; with all of it where the command fails.
quietly() {
  local code=0
  "$@" 2>"$DIR.quiet" || code=$?
  [ "$code" = 0 ] || cat "$DIR.quiet"
  return "$code"
}
case_podman_build_runs_its_commands() {
  mkdir -p "$DIR/context"
  dockerfile >"$DIR/context/Dockerfile"
  chmod -R a+rX "$DIR/context"
  d build -q --isolation oci --network none --runtime "$(runtime_path)" -t "$ME-built" "$DIR/context" >"$DIR/log" 2>&1 || fail "$(cat "$DIR/log")"
  is $'built\n0\n1000' run "$ME-built"
  printf 'FROM localhost/bb\nRUN exit 9\n' >"$DIR/context/Dockerfile"
  refused '*' 'exit status 9' d build --isolation oci --network none --runtime "$(runtime_path)" "$DIR/context"
  d rmi -f "$ME-built" >/dev/null
}
case_buildah_runs_in_a_working_container() {
  local name
  name=$(b from --name "$ME-work" localhost/bb)
  is hello quietly b run --isolation oci --network none --runtime "$(runtime_path)" "$name" -- echo hello
  status 5 b run --isolation oci --network none --runtime "$(runtime_path)" "$name" -- sh -c 'exit 5'
  b run --isolation oci --network none --runtime "$(runtime_path)" --user worker "$name" -- sh -c 'echo kept >/tmp/kept'
  is kept quietly b run --isolation oci --network none --runtime "$(runtime_path)" "$name" -- cat /tmp/kept
  b rm "$name" >/dev/null
}
