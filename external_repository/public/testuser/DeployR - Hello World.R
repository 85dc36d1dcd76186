# Draws as many random numbers as the caller asks for and stores their histogram as a file.
# Input: input_randomNum (numeric). Output: x (numeric vector), histogram.png.

library(deployrUtils)

deployrInput('{"name": "input_randomNum", "label": "Sample size",
  "render": "numeric", "default": 100, "min": 10, "max": 10000}')

x <- rnorm(input_randomNum)

png("histogram.png")
hist(x, main = paste("Hello World:", input_randomNum, "random values"))
invisible(dev.off())
