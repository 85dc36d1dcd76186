# Sends an object to the event stream of the caller. The server puts its sender into the option; elsewhere nothing
# happens.
revoEvent <- function(x) {
  send <- getOption("deployr.revoEvent")
  if (is.function(send)) send(x)
  invisible(NULL)
}
