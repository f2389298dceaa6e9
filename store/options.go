package store

import (
	"errors"
	"fmt"
	"time"
)

// Options configures a store. The zero value is good; options are copied.
type Options struct {
	// Databases is the number of databases. Default 16.
	Databases int
	// BacklogBytes is how much of the stream is kept for partial resyncs.
	// Default 10 MiB, as Valkey 8 and later. Raise it to what the busiest
	// period writes during the longest outage that a replica should survive.
	// A replication.Server is configured like redis-server and has its default,
	// repl-backlog-size 1mb; so has package backlog used alone.
	BacklogBytes int64
	// SnapshotBudget is how many bytes of replaced entries one open snapshot
	// may retain before it is given up with [ErrSnapshotTooOld]. Default 1 GiB;
	// negative for no limit.
	SnapshotBudget int64
	// TransactionBytes bounds the memory that an unfinished MULTI in the stream of
	// a primary takes, which is held back until its EXEC: about twice its bytes.
	// Beyond it a replica stops following, with [ErrTransactionTooBig]; a primary
	// does not limit its own Updates. It also bounds what one client's open MULTI
	// and WATCH make a session keep. Default 1 GiB.
	TransactionBytes int64
	// WatchBytes bounds what changes that no watcher has read yet may retain.
	// Beyond it the oldest are dropped, and watchers that wanted them are told so
	// with a [GapError]. Default 16 MiB; negative is a mistake, and keeps nothing.
	WatchBytes int64
	// MemoryLimit bounds the memory of the data. Default none. SetMemoryLimit changes it.
	MemoryLimit MemoryLimit
	// Clock tells the time. Default time.Now.
	Clock func() time.Time
	// Files is where Save and Load work. Default the operating system.
	Files FileSystem

	// wholeText is the length up to which a string that is written by offset stays
	// in one piece: copying it takes less than the round trip that asks for it, and
	// reading it nothing. Tests lower it.
	wholeText int
}

const (
	defaultDatabases        = 16
	defaultBacklogBytes     = 10 << 20
	defaultSnapshotBudget   = 1 << 30
	defaultTransactionBytes = 1 << 30
	defaultWatchBytes       = 16 << 20
	defaultWholeText        = 64 << 10
	maxDatabases            = 1 << 16
)

func (o *Options) withDefaults() Options {
	var c Options
	if o != nil {
		c = *o
	}
	orInt64(&c.BacklogBytes, defaultBacklogBytes)
	orInt64(&c.SnapshotBudget, defaultSnapshotBudget)
	orInt64(&c.TransactionBytes, defaultTransactionBytes)
	orInt64(&c.WatchBytes, defaultWatchBytes)
	if c.Databases <= 0 {
		c.Databases = defaultDatabases
	}
	if c.wholeText == 0 {
		c.wholeText = defaultWholeText
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Files == nil {
		c.Files = osFiles{}
	}
	c.Databases = min(c.Databases, maxDatabases)
	return c
}

func orInt64(p *int64, def int64) {
	if *p == 0 {
		*p = def
	}
}

// Validate returns every mistake in o, joined, or nil. New does not fail: it
// replaces what is out of range by the nearest sensible value.
func (o *Options) Validate() error {
	if o == nil {
		return nil
	}
	var errs []error
	if o.Databases < 0 || o.Databases > maxDatabases {
		errs = append(errs, fmt.Errorf("store: Databases %d is not within 0 and %d", o.Databases, maxDatabases))
	}
	if o.BacklogBytes < 0 {
		errs = append(errs, fmt.Errorf("store: BacklogBytes %d is negative", o.BacklogBytes))
	}
	if o.TransactionBytes < 0 {
		errs = append(errs, fmt.Errorf("store: TransactionBytes %d is negative", o.TransactionBytes))
	}
	if o.WatchBytes < 0 {
		errs = append(errs, fmt.Errorf("store: WatchBytes %d is negative", o.WatchBytes))
	}
	return errors.Join(append(errs, o.MemoryLimit.validate())...)
}
