module github.com/understudy-go/understudy

go 1.25

require (
	github.com/google/btree v1.1.3
	github.com/hashicorp/go-msgpack/v2 v2.1.5
	go.uber.org/zap v1.28.0
)

require go.uber.org/multierr v1.10.0 // indirect
