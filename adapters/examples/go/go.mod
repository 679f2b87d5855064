module example.invalid/countersign-adapter

go 1.21
