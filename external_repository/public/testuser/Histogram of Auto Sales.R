# Draws the distribution of a year of car sales. Takes no input and needs no package.

dealers <- 60
sales <- round(120 + 35 * qnorm(ppoints(dealers)) + 12 * sin(seq_len(dealers)))

hist(
  sales,
  breaks = 12,
  col = "steelblue",
  border = "white",
  main = "Histogram of Auto Sales",
  xlab = "Cars sold per dealer and year"
)
