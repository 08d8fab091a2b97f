module words

go 1.24

require skerry v0.0.0

replace skerry => ../../hostapi/guest/go
