-- SPDX-License-Identifier: Apache-2.0
local sum = 0

local numbers = {}
for i = 1, 100000 do
    numbers[i] = (i * 7919) % 10007
end
table.sort(numbers)
for i = 1, #numbers do
    sum = sum + numbers[i] * i % 7
end

local function fib(n)
    if n < 2 then
        return n
    end
    return fib(n - 1) + fib(n - 2)
end
sum = sum + fib(26)

local parts = {}
for i = 1, 20000 do
    parts[#parts + 1] = string.format('%d:%s', i, ('x'):rep(i % 7))
end
local text = table.concat(parts, ',')
for word in text:gmatch('%d+:x+') do
    sum = sum + #word
end

local counts = {}
for i = 1, 100000 do
    local key = 'k' .. (i % 5000)
    counts[key] = (counts[key] or 0) + i
end
for i = 0, 4999 do
    sum = sum + counts['k' .. i] % 11
end

local Account = {}
Account.__index = Account
function Account.new(balance)
    return setmetatable({balance = balance}, Account)
end
function Account:deposit(amount)
    self.balance = self.balance + amount
    return self
end
local account = Account.new(0)
for i = 1, 200000 do
    account:deposit(i % 3):deposit(0.5)
end
print(sum, account.balance, #text)
