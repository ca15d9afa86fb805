#!/bin/bash
# PID 1 of a host: starts its services, and reaps whatever loses its parent.
runsvdir -P /etc/service &
wait
