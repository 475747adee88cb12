#!/bin/sh
# Waits for a signal, says which, and ends with the status a shell would give.
trap 'echo got TERM; exit 143' TERM
trap 'echo got INT; exit 130' INT
trap 'echo got USR1' USR1
trap 'echo got HUP; exit 7' HUP
echo ready
while :; do
  sleep 3600 &
  wait $!
done
