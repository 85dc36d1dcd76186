# In this package the names are not deprecated, so no warning reaches the reply of a script that attaches it.
revoInput <- function(content) deployrInput(content)

revoPackage <- function(pkgs, ...) deployrPackage(pkgs, ...)

# Masking the same names of deployrUtils is meant: library() prints no message when it finds this variable.
.onAttach <- function(libname, pkgname) {
  assign(".conflicts.OK", TRUE, envir = as.environment(paste0("package:", pkgname)))
}
