# Scores a bank account: the probability, 0 to 1, that its activity is fraud.
# Inputs: bal, trans, credit (numeric). Output: x (numeric).

library(RevoScriptTools)

revoInput('{"name": "bal", "label": "Account balance", "render": "numeric", "default": 5000, "min": 0, "max": 25000}')
revoInput('{"name": "trans", "label": "Transactions", "render": "numeric", "default": 12, "min": 0, "max": 100}')
revoInput('{"name": "credit", "label": "Credit line", "render": "numeric", "default": 8, "min": 0, "max": 75}')

# A pool of sessions has the model loaded before the first task; else it is a file of the working directory.
if (!exists("fraudModel")) load("fraudModel.rData")

account <- data.frame(balance = bal, numTrans = trans, creditLine = credit)
x <- as.numeric(predict(fraudModel, account, type = "response"))
