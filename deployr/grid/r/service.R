# Sourced by the parent of a service after bootstrap.R: its snapshot and its init code, once for all sessions.

local({
  state <- Sys.getenv("DEPLOYR_R_SERVICE")
  Sys.unsetenv("DEPLOYR_R_SERVICE")
  # Rserve would go on without what cannot be loaded.
  fail <- function(e) {
    message("the service cannot be loaded: ", conditionMessage(e))
    tools::pskill(Sys.getpid(), tools::SIGKILL)
  }
  left <- setwd(file.path(state, "work"))
  # As in sessions; each fork has the packages of the snapshot in a directory of its own.
  libraries <- .libPaths()
  .libPaths(c(getwd(), libraries))
  tempdir(check = TRUE)
  nowhere <- file("/dev/null", "w")
  sink(nowhere)
  load_all <- function() {
    workspace <- file.path(state, "workspace.rData")
    if (file.exists(workspace)) load(workspace, envir = globalenv())
    code <- readChar(file.path(state, "init_code"), file.size(file.path(state, "init_code")), useBytes = TRUE)
    Encoding(code) <- "UTF-8"
    for (expression in parse(text = gsub("\r\n?", "\n", code), keep.source = FALSE, encoding = "UTF-8"))
      eval(expression, globalenv())
  }
  # The restart is what q() of the init code asks for.
  withRestarts(tryCatch(load_all(), error = fail), abort = function() NULL)
  while (sink.number() > 0L) sink()
  close(nowhere)
  .libPaths(libraries)
  setwd(left)
  # Functions of packages are read from disk when they are first used; each session would read its own.
  for (space in lapply(loadedNamespaces(), getNamespace))
    for (name in ls(space, all.names = TRUE)) try(get(name, envir = space), silent = TRUE)
  # As at the end of bootstrap.R: sessions have temporary directories of their own, and fork what is tidy.
  unlink(tempdir(), recursive = TRUE)
  gc()
  for (size in 2^(10:17)) raw(size)
})
