# Network modes, names and published ports. The network is the engine's; the hook that sets it up is the runtime's to run.

case_no_network_is_a_loopback_only() {
  is lo run --network none bb ls /sys/class/net
  has '127.0.0.1' run --network none bb ip addr show lo
  has 'LOOPBACK,UP' run --network none bb ip link show lo
}

case_the_host_network_is_the_engines() {
  [ "$(run --network host bb readlink /proc/self/ns/net)" = "$(readlink /proc/self/ns/net)" ]
  has docker0 run --network host bb ip link
}

case_the_bridge_gives_an_address() {
  has 'inet 172\.[0-9.]+/16' run bb ip addr show eth0
  has '^default via 172' run bb ip route
}

case_another_containers_network_is_shared() {
  up a bb httpd -f -p 80 -h /data
  await in_container a wget -qO- http://127.0.0.1/text
  is "not a program" run --network "container:$ME-a" bb wget -qO- http://127.0.0.1/text
}

case_containers_reach_each_other_on_the_bridge() {
  up a bb httpd -f -p 80 -h /data
  local address
  address=$(inspect a '{{.NetworkSettings.IPAddress}}')
  await in_container a wget -qO- http://127.0.0.1/text
  is "not a program" run bb wget -qO- "http://$address/text"
  is reached run bb sh -c "ping -c 1 -W 5 $address >/dev/null && echo reached"
}

case_a_network_of_ones_own_resolves_names() {
  d network create "$ME-net" >/dev/null
  idle web --network "$ME-net" --network-alias shop
  local address
  address=$(inspect web "{{(index .NetworkSettings.Networks \"$ME-net\").IPAddress}}")
  has "$address" run --network "$ME-net" bb nslookup "$ME-web" 127.0.0.11
  has "$address" run --network "$ME-net" bb nslookup shop 127.0.0.11
  has '^nameserver 127.0.0.11' run --network "$ME-net" bb cat /etc/resolv.conf
  d rm -f "$ME-web" >/dev/null
  d network rm "$ME-net" >/dev/null
}

case_a_network_is_joined_and_left_while_running() {
  d network create "$ME-net" >/dev/null
  idle a
  d network connect "$ME-net" "$ME-a"
  is 2 in_container a sh -c 'ls /sys/class/net | grep -c ^eth'
  d network disconnect "$ME-net" "$ME-a"
  is 1 in_container a sh -c 'ls /sys/class/net | grep -c ^eth'
  d network rm "$ME-net" >/dev/null
}

case_a_published_port_is_reached_over_loopback() {
  up a -p 127.0.0.1::80 bb httpd -f -p 80 -h /data
  local port
  port=$(d port "$ME-a" 80 | head -n 1)
  await busybox wget -qO "$DIR/got" "http://$port/text"
  is "not a program" cat "$DIR/got"
}

case_ports_below_1024_need_the_capability_or_the_sysctl() {
  same run --network none -u worker --sysctl net.ipv4.ip_unprivileged_port_start=1024 bb sh -c 'timeout 1 nc -l -p 80 2>&1 | head -n 1'
}
