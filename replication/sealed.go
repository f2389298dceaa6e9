package replication

import (
	"errors"
	"os"
	"slices"
	"time"

	"github.com/understudy-go/understudy/replication/internal/server"
)

// Writing to a replica over TLS. A write that ran into its deadline cannot be taken up again there: part of a record is out, and the connection is of no more use. So the
// deadline of a write that is under way moves with each sign of life of the replica, and the one that is met is the end.

// sealedPiece is how much has to go out within a timeout when the replica says nothing, in bytes: what fits into one record.
const sealedPiece = 16 << 10

func (f *feed) sealed() bool {
	_, ok := f.peer.Conn.(server.Secure)
	return ok
}

// moreTime moves the deadline of the write that is under way, or of the next. Both goroutines of the feed call it.
func (f *feed) moreTime() error {
	return f.peer.Conn.SetWriteDeadline(time.Now().Add(f.n.cfg.Load().timeout))
}

func (f *feed) writeSealed(b []byte) error {
	for piece := range slices.Chunk(b, sealedPiece) {
		if err := f.moreTime(); err != nil {
			return err
		}
		n, err := f.peer.Conn.Write(piece)
		f.n.count(func(c *counters) { c.bytesOut += int64(n) })
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return ErrStalled
		}
		if err != nil {
			return err
		}
	}
	return nil
}
