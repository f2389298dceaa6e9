module github.com/understudy-go/understudy/replication/internal/bench

go 1.25

require (
	github.com/puzpuzpuz/xsync/v4 v4.5.0
	github.com/understudy-go/understudy v0.0.0
)

require (
	github.com/google/btree v1.1.3 // indirect
	github.com/hashicorp/go-msgpack/v2 v2.1.5 // indirect
	go.uber.org/multierr v1.10.0 // indirect
	go.uber.org/zap v1.28.0 // indirect
)

replace github.com/understudy-go/understudy => ../../..
