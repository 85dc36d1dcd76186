# Scores a customer of an insurance company: the expected number of claims a year.
# Input: customerid (numeric). Output: score (numeric).

library(deployrUtils)

deployrInput('{"name": "customerid", "label": "Customer", "render": "numeric", "default": 1, "min": 0}')

# A pool of sessions has the model loaded before the first task; else it is a file of the working directory.
if (!exists("insurModel")) load("insurModel.rData")

# Stands for the lookup in a customer database.
customer <- data.frame(
  age = 18 + (customerid * 7) %% 60,
  mileage = 4 + (customerid * 3) %% 26,
  years = (customerid * 5) %% 20
)
score <- as.numeric(predict(insurModel, customer, type = "response"))
