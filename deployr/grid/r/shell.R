# Functions of R that do not work under Rserve as it is. Output of child processes would go to the parent's standard
# output, children of mclapply would write into the session's connection, and file.choose() asks nobody.

# What system() and system2() end with in the place of R's own: a command that is waited for and not interned is read
# through a pipe, line by line, so that its output appears while it runs.
run_command <- function(command, intern, timeout, wait) {
  if (intern || !wait || timeout > 0) return(.Internal(system(command, intern, timeout)))
  # A command may leave a child in the background that holds the pipe open, so its end is said, not waited for.
  end <- basename(tempfile("end"))
  script <- paste0("exec 9>&1 2>&1\n(", command, "\n) 9>&-\nstatus=$?; echo ", end, " >&9; exit $status")
  pipe <- pipe(script, "r")
  status <- NULL
  tryCatch(relay_lines(pipe, end), finally = status <- close(pipe))
  if (is.null(status)) return(invisible(0L))
  signal <- bitwAnd(status, 127L)
  # The child died of the interrupt that was meant for R too: this lets R act on it.
  if (signal == 2L) Sys.sleep(0.01)
  invisible(if (signal) signal else bitwShiftR(status, 8L))
}

# Says what comes through a pipe up to the mark of its end, which follows an unfinished line directly.
relay_lines <- function(pipe, end) {
  repeat {
    line <- utf8(readLines(pipe, 1L, warn = FALSE, skipNul = TRUE))
    if (length(line) == 0L) break
    if (endsWith(line, end)) {
      say(substr(line, 1L, nchar(line) - nchar(end)))
      break
    }
    say(line, "\n")
  }
}

utf8 <- function(text) if (all(validUTF8(text))) text else iconv(text, "latin1", "UTF-8")

patch_shell <- function() {
  for (name in c("system", "system2")) {
    patched <- get(name, baseenv())
    last <- length(body(patched))
    stopifnot(identical(body(patched)[[last]], quote(.Internal(system(command, intern, timeout)))))
    body(patched)[[last]] <- as.call(list(run_command, quote(command), quote(intern), quote(timeout), quote(wait)))
    replace_in(baseenv(), name, patched)
  }
}

# Children of mclapply and mcparallel share the session's connection: their console output is dropped.
patch_mcfork <- function() {
  fork <- parallel:::mcfork
  replace_in(asNamespace("parallel"), "mcfork", function(estranged = FALSE) {
    process <- fork(estranged)
    if (inherits(process, "masterProcess")) {
      nowhere <- file("/dev/null", "w")
      sink(nowhere)
      sink(nowhere, type = "message")
    }
    process
  })
}

# Nobody is there to choose a file; Rserve takes whatever lies in memory for a choice.
patch_choose <- function() {
  replace_in(baseenv(), "file.choose", function(new = FALSE) stop("file choice cancelled"))
}

replace_in <- function(where, name, value) {
  unlockBinding(name, where)
  assign(name, value, envir = where)
  lockBinding(name, where)
}
