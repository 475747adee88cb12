# The process of a container: output, status, environment, user, terminal, stdin.

case_run_prints_what_the_command_prints() {
  is hello run bb echo hello
  is "to stderr" run bb sh -c 'echo to stderr >&2'
}

case_run_passes_the_exit_status_on() {
  status 0 run bb true
  status 1 run bb false
  status 42 run bb sh -c 'exit 42'
  status 255 run bb sh -c 'exit 255'
}

case_a_death_by_signal_is_128_plus_the_signal() {
  status 143 run --init bb sh -c 'kill -TERM $$; sleep 60'
  status 137 run --init bb sh -c 'kill -KILL $$; sleep 60'
}

case_a_command_that_is_missing_is_status_127() {
  refused 127 'executable file not found|no such file or directory' run bb no-such-command
  refused 127 'no such file or directory' run bb /no/such/command
  refused 127 'no such file or directory' run bb ./no-such-command
}

case_a_command_that_cannot_be_executed_is_status_126() {
  refused 126 'permission denied' run bb /data/text
  refused 126 'permission denied|is a directory' run bb /data
}

case_a_script_without_its_interpreter_is_refused() { refused 127 'no such file or directory' run bb /data/orphan; }

case_a_bad_option_is_status_125() { refused 125 'unknown|invalid' run --no-such-option bb true; }

case_the_entrypoint_is_replaced() {
  is "-c hi" run --entrypoint /bin/echo bb -c hi
  refused 127 'no such file|not found' run --entrypoint /gone bb
}

case_arguments_arrive_unchanged() {
  is '<a b><><*><$x><"q"><ü>' run bb sh -c 'printf "<%s>" "$@"' sh 'a b' '' '*' '$x' '"q"' 'ü'
}

case_the_environment_is_what_was_asked_for() {
  echo "FROM_FILE=yes" >"$DIR/env"
  same eval 'run -e ONE=1 -e EMPTY= -e "SPACES=a  b" --env-file "$DIR/env" --hostname web bb env | sort'
}

case_a_variable_of_100_kib_arrives_whole() {
  export BIG
  BIG=$(head -c 100000 /dev/zero | tr '\0' x)
  is 100000 run -e BIG bb sh -c 'echo ${#BIG}'
}

case_two_thousand_variables_arrive() {
  local i
  for i in $(seq 2000); do echo "VARIABLE_$i=$i-abcdefghijklmnopqrstuvwxyz"; done >"$DIR/env"
  is 2000 run --env-file "$DIR/env" bb sh -c 'env | grep -c ^VARIABLE_'
}

case_the_user_is_looked_up_in_the_image() {
  is "uid=1000(worker) gid=1000(worker) groups=1000(worker),2000(extra)" run -u worker bb id
  is "uid=1000(worker) gid=1000(worker) groups=1000(worker),2000(extra)" run -u 1000 bb id
  is "uid=1000(worker) gid=2000(extra) groups=2000(extra)" run -u worker:extra bb id
  is "uid=4321 gid=8765 groups=8765" run -u 4321:8765 bb id
  refused 125 'unable to find user|no matching entries' run -u nobody-here bb id
}

case_the_home_of_the_user_is_set() {
  is /home/worker run -u worker bb sh -c 'echo $HOME'
  is /root run bb sh -c 'echo $HOME'
}

case_groups_are_added() { is "0 2000 3000" run --group-add extra --group-add 3000 bb id -G; }

case_the_working_directory_is_made_when_it_is_missing() {
  is /made/on/demand run -w /made/on/demand bb pwd
  is /data run -w /data bb pwd
  same run -u worker -w /made/for/worker bb stat -c '%u:%g %a' .
}

case_a_working_directory_that_is_a_file_is_refused() {
  same run -w /data/text bb true | tail -n 1
}

case_init_reaps_and_is_pid_1() {
  is docker-init run --init bb cat /proc/1/comm
  is "sleep" run bb sh -c 'exec 2>/dev/null; sleep 0 & exec sleep 0.1 & cat /proc/1/comm >/dev/null; echo sleep'
  is 0 run --init bb sh -c '(sleep 0 &) ; (true &) ; until ! ps -o stat= | grep -q ^Z; do :; done; echo 0'
}

case_stdin_reaches_the_command_and_its_end_too() {
  is "a line" eval 'echo a line | run -i bb cat'
  is 0 eval 'run -i bb cat </dev/null; echo $?'
  is 5 eval 'printf "1\n2\n3\n4\n5\n" | run -i bb wc -l'
}

case_without_i_stdin_is_empty() { is "" eval 'echo unseen | run bb cat'; }

case_ten_megabytes_pass_through_stdin_and_stdout() {
  local sum='86a3d55ec31d1eb1ed51a9a0b9b03a0e'
  sum=$(yes 0123456789abcdef | head -c 10000000 | md5sum)
  is "$sum" eval "yes 0123456789abcdef | head -c 10000000 | run -i bb cat | md5sum"
}

case_a_terminal_is_a_terminal() {
  is tty terminal "$(docker_words) run --rm -t --runtime $RT bb sh -c 'test -t 0 && test -t 1 && test -t 2 && printf tty'"
  is /dev/pts/0 run -t bb sh -c 'tty | tr -d "\r\n"'
  same run -t bb sh -c 'stat -c "%F %a %t:%T" /dev/console; stat -c "%u:%g" $(tty)'
}

case_a_terminal_belongs_to_the_user() { same run -t -u worker bb sh -c 'stat -c "%u:%g %a" $(tty); echo x >/dev/tty'; }

case_an_interactive_shell_echoes_and_answers() {
  local words="$(docker_words) run --rm -it --runtime $RT bb sh"
  printf 'stty -echo\necho $((6*7))\nexit 3\n' >"$DIR/in"
  has 42 terminal_with_input "$words" "$DIR/in"
}
# The input goes in after the prompt has come: a terminal throws away what comes before it is set up.
terminal_with_input() {
  local status=0
  mkfifo "$DIR/fifo"
  (eventually $((TIMEOUT / 3)) grep -q '#' "$DIR/screen"; cat "$2"; eventually $((TIMEOUT / 3)) grep -q 42 "$DIR/screen") >"$DIR/fifo" &
  script -qefc "$1" "$DIR/screen" <"$DIR/fifo" >/dev/null || status=$?
  cat "$DIR/screen"
  [ "$status" = 3 ]
}

case_the_terminal_has_the_size_of_the_callers_and_follows_it() {
  mkdir -p "$DIR/sync"  # the client may miss a change while it starts: it is made again
  cat >"$DIR/outer" <<SH
stty rows 33 cols 99
(until [ -e $DIR/sync/first ]; do sleep 0.05; done
 until [ -e $DIR/sync/last ]; do stty rows 44 cols 111; sleep 1; stty rows 45; done) </dev/tty &
exec $(docker_words) run --rm -it --runtime $RT -v $DIR/sync:/sync bb sh -c '
  until [ "\$(stty size)" = "33 99" ]; do sleep 0.05; done; touch /sync/first
  until [ "\$(stty size)" = "44 111" ]; do sleep 0.05; done; touch /sync/last; echo resized'
SH
  has resized terminal "sh $DIR/outer"
}

case_attach_joins_the_streams() {
  up a -i bb sh -c 'read line; echo "got $line"; read line; exit 9'
  (echo word; await log_has a 'got word'; echo end) | d attach "$ME-a" >"$DIR/out" || status 9 eval "exit $?"
  is "got word" cat "$DIR/out"
}

case_the_hostname_and_domain_are_set() {
  is "web.example.test" run -h web --domainname example.test bb sh -c 'echo $(hostname).$(cat /proc/sys/kernel/domainname)'
  has '^127\.1\.2\.3[[:space:]]+other' run --add-host other:127.1.2.3 bb cat /etc/hosts
}

case_twenty_at_once_all_answer() {
  local i pids=()
  for i in $(seq 20); do run bb echo "number $i" >"$DIR/out.$i" 2>&1 & pids+=($!); done
  for i in "${pids[@]}"; do wait "$i" || fail "one of them: status $?: $(cat "$DIR"/out.*)"; done
  is 20 eval 'cat "$DIR"/out.* | sort -u | grep -c "^number"'
}
