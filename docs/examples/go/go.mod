module example.org/dialhook

go 1.22
