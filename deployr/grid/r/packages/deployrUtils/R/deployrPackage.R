# Attaches packages and installs those that are missing. A repository is asked for missing packages only: a server
# without a way to the internet must not wait for one.
deployrPackage <- function(pkgs, lib = .libPaths()[1L], repos = getOption("repos"), ...) {
  where <- c(lib, .libPaths())
  missing <- pkgs[!vapply(pkgs, is_installed, NA, where = where)]
  if (length(missing) > 0L) install.packages(missing, lib = lib, repos = repos, ...)
  for (name in pkgs) library(name, character.only = TRUE, lib.loc = where)
  invisible(TRUE)
}

# Deprecated name of deployrPackage.
revoPackage <- function(pkgs, ...) {
  .Deprecated("deployrPackage")
  deployrPackage(pkgs, ...)
}

is_installed <- function(name, where) nzchar(system.file(package = name, lib.loc = where))
