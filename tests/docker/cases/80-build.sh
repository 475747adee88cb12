# Building images: the steps run under the engine's default runtime, or BuildKit's, which is the one under test.
for claim in $(claims_of "$file"); do ONLY_SUT[$claim]=yes; done

write_dockerfile() {
  cat >"$DIR/Dockerfile" <<'DOCKERFILE'
FROM bb
ARG WORD=default
ENV COLOUR=blue
WORKDIR /build
COPY file .
RUN echo "$WORD $COLOUR $(cat file)" >made
RUN ["/bin/sh", "-c", "id -u >uid; hostname >/dev/null; test -e /proc/self && test -c /dev/null"]
USER worker
RUN id -un >/home/worker/who
CMD ["sh", "-c", "cat /build/made /build/uid /home/worker/who"]
DOCKERFILE
  echo content >"$DIR/file"
}

build() { DOCKER_BUILDKIT=$1 d build --build-arg WORD=given -t "$ME-image" "${@:2}" "$DIR" >"$DIR/log" 2>&1; }

needs_buildkit() {
  d version -f '{{.Client.Version}}' | grep -q '^\(19\|20\)\.' || d buildx version >/dev/null 2>&1 ||
    skip "this Docker client has no BuildKit"
}

case_the_classic_builder_runs_steps() {
  write_dockerfile
  build 0 || fail "$(cat "$DIR/log")"
  is $'given blue content\n0\nworker' run "$ME-image"
  d rmi "$ME-image" >/dev/null
}

case_the_classic_builder_starts_from_scratch() {
  cp "$(command -v busybox)" "$DIR/busybox"
  printf '%s\n' 'FROM scratch' 'COPY busybox /busybox' 'RUN ["/busybox", "mkdir", "/made"]' 'CMD ["/busybox", "ls", "-d", "/made"]' >"$DIR/Dockerfile"
  build 0 || fail "$(cat "$DIR/log")"
  is /made run "$ME-image"
  d rmi "$ME-image" >/dev/null
}

case_a_step_that_fails_fails_the_build() {
  printf '%s\n' 'FROM bb' 'RUN exit 19' >"$DIR/Dockerfile"
  status 19 build 0 --no-cache
  has 'non-zero code: 19' cat "$DIR/log"
}

case_buildkit_runs_steps() {
  needs_buildkit
  write_dockerfile
  build 1 --no-cache || fail "$(cat "$DIR/log")"
  is $'given blue content\n0\nworker' run "$ME-image"
  grep -q run "$WORK/buildkit.log" || fail "BuildKit did not use the runtime under test"
  d rmi "$ME-image" >/dev/null
}

case_a_step_that_fails_fails_buildkit() {
  needs_buildkit
  printf '%s\n' 'FROM bb' 'RUN exit 19' >"$DIR/Dockerfile"
  status 1 build 1 --no-cache
  has 'exit code: 19' cat "$DIR/log"
}

case_buildkit_builds_steps_at_once() {
  needs_buildkit
  {
    local i
    for i in 1 2 3 4 5; do printf '%s\n' "FROM bb AS stage$i" "RUN echo $i >/number"; done
    echo FROM bb
    for i in 1 2 3 4 5; do echo "COPY --from=stage$i /number /number$i"; done
    echo 'CMD cat /number*'
  } >"$DIR/Dockerfile"
  build 1 --no-cache || fail "$(cat "$DIR/log")"
  is $'1\n2\n3\n4\n5' run "$ME-image"
  d rmi "$ME-image" >/dev/null
}

case_buildkit_builds_without_network() {
  needs_buildkit
  printf '%s\n' 'FROM bb' 'RUN ls /sys/class/net >/links' 'CMD cat /links' >"$DIR/Dockerfile"
  build 1 --no-cache --network none || fail "$(cat "$DIR/log")"
  is lo run "$ME-image"
  d rmi "$ME-image" >/dev/null
}
