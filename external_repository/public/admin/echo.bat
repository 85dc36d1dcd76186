@echo off
rem Prints two lines: its own name and its arguments.
echo echo.bat
echo %*
