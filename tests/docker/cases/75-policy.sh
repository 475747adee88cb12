# The policy `strict` under the engine: agentsafe's own, so there is nothing to compare with.
for claim in $(claims_of "$file"); do ONLY_SUT[$claim]=yes; done

strictly() { d run --rm --runtime strict "$@"; }
strict_idle() { local name=$1; shift; d run -d --runtime strict --name "$ME-$name" "$@" bb idle >/dev/null; }
serve() { up "$1" bb httpd -f -p 80 -h /data; await in_container "$1" wget -qO- http://127.0.0.1/text >/dev/null; }
address_of() { inspect "$1" '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}'; }
denied_from() { # the engine's command…: the connection is refused at once, not lost
  local began=$SECONDS
  status '[1-9]*' "$@"
  [ $((SECONDS - began)) -lt $((TIMEOUT / 3)) ] || fail "it took $((SECONDS - began)) s"
}

case_strict_confines_the_command() {
  is $'NoNewPrivs:\t1' strictly bb grep NoNewPrivs /proc/self/status
  is $'Seccomp_filters:\t2' strictly bb grep Seccomp_filters /proc/self/status
  is $'CapEff:\t00000000000005fb' strictly bb grep CapEff /proc/self/status
  is "made" strictly bb sh -c 'echo made >/etc/made && cat /etc/made'
}

case_with_nothing_configured_strict_holds() {
  is $'CapEff:\t00000000000005fb' d run --rm --runtime plain bb grep CapEff /proc/self/status
  serve shop
  denied_from d run --rm --runtime plain bb wget -T 20 -qO- "http://$(address_of shop)/text"
  refused 125 'policy strict refuses this bundle.*leave --privileged out' d run --rm --runtime plain --privileged bb true
}

case_strict_writes_stay_out_of_the_engines_layer() {
  strict_idle writer
  in_container writer sh -c 'echo made >/data/made'
  is made in_container writer cat /data/made
  status 1 d cp "$ME-writer:/data/made" "$DIR/made"
  ! d diff "$ME-writer" | grep -q /data/made || fail "docker diff sees the file"
  d commit "$ME-writer" "$ME-image" >/dev/null
  status 1 run "$ME-image" cat /data/made
  d rmi "$ME-image" >/dev/null
}

case_strict_lets_nothing_out() {
  serve shop
  local url
  url=http://$(address_of shop)/text
  is "not a program" run bb wget -qO- "$url"  # the control
  denied_from strictly bb wget -T 20 -qO- "$url"
  strict_idle inside
  denied_from in_container inside wget -T 20 -qO- "$url"
  d restart -t 1 "$ME-inside" >/dev/null
  denied_from in_container inside wget -T 20 -qO- "$url"
}

case_strict_stays_closed_on_a_network_connected_later() {
  d network create "$ME-later" >/dev/null
  up shop --network "$ME-later" bb httpd -f -p 80 -h /data
  strict_idle inside
  local rules
  rules=$(rules_of inside)
  d network connect "$ME-later" "$ME-inside"
  is "$rules" rules_of inside
  has eth1 in_container inside ip link
  denied_from in_container inside wget -T 20 -qO- "http://$(address_of shop)/text"
  d rm -f "$ME-inside" "$ME-shop" >/dev/null
  d network rm "$ME-later" >/dev/null
}

case_strict_containers_that_share_a_network_need_equal_rules() {
  serve shop
  local url rules
  url=http://$(address_of shop)/text
  strict_idle inside
  rules=$(rules_of inside)
  strict_idle equal --network "container:$ME-inside"
  is "$rules" rules_of equal
  denied_from in_container equal wget -T 20 -qO- "$url"
  refused 125 'packet filter of a container with another policy' d run --rm --runtime open --network "container:$ME-inside" bb true
  d rm -f "$ME-equal" >/dev/null
  is "$rules" rules_of inside
  # a container of the engine's that has no policy is held by the rules that are there
  denied_from run --network "container:$ME-inside" bb wget -T 20 -qO- "$url"
}

case_strict_closes_the_network_of_a_container_that_it_joins() {
  serve shop
  local url
  url=http://$(address_of shop)/text
  idle first
  is "not a program" in_container first wget -qO- "$url"
  strict_idle second --network "container:$ME-first"
  denied_from in_container second wget -T 20 -qO- "$url"
  denied_from in_container first wget -T 20 -qO- "$url"
  d rm -f "$ME-second" >/dev/null
  is "not a program" in_container first wget -qO- "$url"
}

case_strict_refuses_the_hosts_network_through_another_container() {
  idle first --network host
  refused 125 'host.s network namespace' strictly --network "container:$ME-first" bb true
}

case_strict_serves_published_ports() {
  d run -d --runtime strict --name "$ME-web" -p 127.0.0.1::80 bb httpd -f -p 80 -h /data >/dev/null
  local address
  address=$(d port "$ME-web" 80)
  await busybox wget -qO "$DIR/text" "http://$address/text"
  is "not a program" cat "$DIR/text"
}

case_strict_refuses_what_gives_the_host_away() {
  refused 125 'privileged' strictly --privileged bb true
  refused 125 'host_namespaces' strictly --pid host bb true
  refused 125 'network' strictly --network host bb true
  refused 125 'engine_sockets' strictly -v "$ENGINE/docker.sock:/var/run/docker.sock" bb true
}

case_strict_bounds_the_resources() {
  strict_idle bounded
  is 4294967296 knob bounded memory memory.limit_in_bytes memory.max
  is 512 knob bounded pids pids.max pids.max
  strict_idle smaller --memory 64m
  is 67108864 knob smaller memory memory.limit_in_bytes memory.max
}

# The packet filter of a container, without counters and the host's addresses, which come and go with other cases.
rules_of() { # NAME
  nsenter -t "$(inspect "$1" '{{.State.Pid}}')" -n nft -s list table inet agentsafe | sed '/set denied[46] {/,/^\t}/d'
}
# What confines the first process of a container, as the host sees it.
security_of() { # NAME
  local pid
  pid=$(inspect "$1" '{{.State.Pid}}')
  grep -E '^(Uid|Gid|Cap...|NoNewPrivs|Seccomp|Seccomp_filters):' "/proc/$pid/status"
  awk '{print $5, $6}' "/proc/$pid/mountinfo" | sort
  knob "$1" memory memory.limit_in_bytes memory.max
  knob "$1" pids pids.max pids.max
  grep -E 'core|open files' "/proc/$pid/limits"
  rules_of "$1"
}
case_strict_restrictions_survive_a_restart_and_hold_for_exec() {
  strict_idle inside
  local before
  before=$(security_of inside)
  d restart -t 1 "$ME-inside" >/dev/null
  is "$before" security_of inside
  local own='^(Uid|Gid|Cap...|NoNewPrivs|Seccomp|Seccomp_filters):'
  is "$(grep -E "$own" <<<"$before")" in_container inside grep -E "$own" /proc/self/status
  is "$before" security_of inside
  grep -q 'not in egress.allow' <<<"$before" || fail "the packet filter is not part of it: $before"
}

case_strict_denials_are_explained() {
  strict_idle inside
  local id root
  id=$(inspect inside '{{.Id}}')
  root=$(dirname "$(find "$ENGINE"/exec -maxdepth 3 -type d -name "$id" -path '*runtime*')")
  why() { "$RUNTIME" --root "$root" why "$id" "$@"; }
  has 'refused.*egress.mode strict' why connect 203.0.113.7:443
  has 'refused: to write' why open /proc/sys/kernel/hostname
  has 'scratch layer' why open /etc/passwd
  has 'policy strict does not list it' why capability NET_RAW
}
