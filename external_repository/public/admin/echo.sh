#!/bin/sh
# Prints two lines: its own name and its arguments.
echo "echo.sh"
echo "$*"
