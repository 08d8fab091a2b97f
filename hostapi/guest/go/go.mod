module skerry

go 1.24
