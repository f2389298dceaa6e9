// Command node is a small server around the library that takes the flags and configuration files of redis-server and talks to the same clients, so that it
// can stand wherever a Redis stands: as a primary, as a replica, or between the two.
//
// A replica of a real Redis, and a look at it:
//
//	redis-server --port 6379 &
//	go run ./examples/node --port 6380 --replicaof "127.0.0.1 6379" &
//	redis-cli -p 6379 set greeting hello
//	redis-cli -p 6380 get greeting
//	redis-cli -p 6380 info replication
//
// A primary that a real Redis follows:
//
//	go run ./examples/node --port 6390 --repl-diskless-sync-delay 0 &
//	redis-server --port 6391 --replicaof "127.0.0.1 6390"
//
// The first argument may be a file with the same directives, one a line, or - for standard input. An interrupt (Ctrl-C) or SHUTDOWN from a client ends the
// server, which saves the data set first if there are save points; --save "" switches that off. --help and --version say what there is.
//
// When a primary that came back empty is held (INFO replication: understudy_link_state:held, and why), the data stays; to take it after all, and to have back what it
// replaced:
//
//	redis-cli -p 6380 understudy accept
//	redis-cli -p 6380 understudy restore
//
// CONFIG GET understudy-* shows the directives that redis-server does not have; replication.NewServer says what they mean.
//
// The exit code is 0 after either end and after --help, and 1 when the configuration has a mistake, or the data set cannot be read, saved or served.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/understudy-go/understudy/replication"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "node:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	s, err := replication.NewServer(args, &replication.ServerOptions{Stdout: os.Stdout})
	if errors.Is(err, replication.ErrHelp) {
		return nil // it is printed
	}
	if err != nil {
		return err
	}
	return s.Run(ctx)
}
