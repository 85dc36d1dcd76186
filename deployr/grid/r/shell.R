# Child processes. Their output would go to the parent's standard output, and children of mclapply would write
# into the session's connection; both are mended here.

base_system <- base::system

# system() that waits and is not interned: read through a pipe so that output appears while it runs.
piped_system <- function(command, intern = FALSE, ignore.stdout = FALSE, ignore.stderr = FALSE, wait = TRUE,
                         input = NULL, show.output.on.console = TRUE, minimized, invisible, timeout = 0) {
  if (intern || !wait || timeout > 0 || !is.character(command) || length(command) != 1L)
    return(base_system(command, intern = intern, ignore.stdout = ignore.stdout, ignore.stderr = ignore.stderr,
                       wait = wait, input = input, timeout = timeout))
  if (!is.null(input)) {
    file <- tempfile()
    on.exit(unlink(file))
    writeLines(input, file)
    command <- paste("(", command, ") <", shQuote(file))
  }
  redirect <- c(if (ignore.stdout) ">/dev/null", if (ignore.stderr) "2>/dev/null" else "2>&1")
  # 2>&1 first, so that ignoring stdout does not swallow stderr.
  pipe <- pipe(paste("{", command, "\n}", paste(rev(redirect), collapse = " ")), "rb")
  status <- NULL
  tryCatch(
    repeat {
      bytes <- readBin(pipe, "raw", 4096L)
      if (length(bytes) == 0L) break
      say(utf8(bytes))
      flush.console()
    },
    finally = status <- close(pipe)
  )
  if (is.null(status)) return(base::invisible(0L))
  # The child died of the interrupt that was meant for R too: this lets R act on it.
  if (bitwAnd(status, 127L) == 2L) Sys.sleep(0.01)
  base::invisible(bitwShiftR(status, 8L))
}

utf8 <- function(bytes) {
  text <- rawToChar(bytes[bytes != as.raw(0)])
  if (validUTF8(text)) text else iconv(text, "latin1", "UTF-8")
}

flush.console <- function() utils::flush.console()

patch_shell <- function() replace_in(baseenv(), "system", piped_system)

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

replace_in <- function(where, name, value) {
  unlockBinding(name, where)
  assign(name, value, envir = where)
  lockBinding(name, where)
}
