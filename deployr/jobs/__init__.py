"""Jobs: R code that runs in the background, at once or on a schedule. The jobs table is the only truth about them."""
