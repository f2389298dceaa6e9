package backlog

import (
	"errors"
	"fmt"
)

var (
	// ErrHistoryChanged ends a Reader when the data set was replaced ([Backlog.Reset]): the bytes that
	// follow its position belong to another history.
	ErrHistoryChanged = errors.New("backlog: history changed")

	// ErrReaderClosed is returned by the methods of a Reader after its Close.
	ErrReaderClosed = errors.New("backlog: reader closed")
)

// ErrOverrun ends a Reader that fell too far behind. It is used as a value:
//
//	var over backlog.ErrOverrun
//	if errors.As(err, &over) { ... over.Lag ... }
type ErrOverrun struct {
	Lag   int64 // bytes between the reader and the end of the stream when it was noticed
	Limit int64 // bytes that the reader was allowed to lag; Lag > Limit
}

func (e ErrOverrun) Error() string {
	return fmt.Sprintf("backlog: reader lags %d bytes, limit %d", e.Lag, e.Limit)
}

// ErrWindow is returned, as a value, when a Reader is asked for at a count outside of the window.
type ErrWindow struct {
	Count      int64 // where the reader was to start
	First, End int64 // the window at that instant; Count < First or Count > End
}

func (e ErrWindow) Error() string {
	return fmt.Sprintf("backlog: count %d is outside of the window [%d, %d]", e.Count, e.First, e.End)
}
