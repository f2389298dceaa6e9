package replication_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/understudy-go/understudy/rdb"
	"github.com/understudy-go/understudy/replication"
	"github.com/understudy-go/understudy/store"
)

// TestReasonOf: each error that ends a link has a reason of its own kind, however deep it is wrapped.
func TestReasonOf(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want replication.Reason
	}{
		{nil, ""},
		{replication.ErrTainted, replication.ReasonTainted},
		{replication.ErrHistoryChanged, replication.ReasonHistoryChanged},
		{&replication.OutputLimitError{Lag: 2, Limit: 1}, replication.ReasonOutputLimit},
		{&replication.SyncBudgetError{Lag: 2, Budget: 1}, replication.ReasonSyncBudget},
		{replication.ErrAckTimeout, replication.ReasonTimeout},
		{replication.ErrTimeout, replication.ReasonTimeout},
		{replication.ErrStalled, replication.ReasonStalled},
		{replication.ErrClosed, replication.ReasonClosed},
		{&replication.RefusedError{Command: "PSYNC", Reply: "ERR unknown command 'PSYNC'"}, replication.ReasonUnsupported},
		{&replication.RefusedError{Command: "PSYNC", Reply: "LOADING"}, replication.ReasonRefused},
		{&replication.RefusedError{Command: "AUTH", Reply: "WRONGPASS"}, replication.ReasonDenied},
		{&replication.RefusedError{Command: "PSYNC", Reply: "NOPERM this user"}, replication.ReasonDenied},
		{&replication.PayloadError{Err: &rdb.UnsupportedError{}}, replication.ReasonUnsupported},
		{&replication.PayloadError{Err: rdb.ErrTooLarge}, replication.ReasonUnsupported},
		{&replication.PayloadError{Err: io.ErrUnexpectedEOF}, replication.ReasonPayload},
		{&store.UnknownCommandError{}, replication.ReasonUnsupported},
		{&store.StreamError{}, replication.ReasonStream},
		{&replication.ProtocolError{}, replication.ReasonProtocol},
		{&replication.HeldError{Offer: replication.Offer{Reason: replication.ReasonShrunk}}, replication.ReasonShrunk},
		{io.EOF, replication.ReasonEOF},
		{io.ErrUnexpectedEOF, replication.ReasonEOF},
		{&net.OpError{Op: "dial", Err: errors.New("refused")}, replication.ReasonNetwork},
		{context.DeadlineExceeded, replication.ReasonTimeout},
		{errors.New("something else"), replication.ReasonOther},
	} {
		wrapped := tt.err
		if tt.err != nil {
			wrapped = &replication.LinkError{Primary: "p", Stage: "s", Err: fmt.Errorf("more: %w", tt.err)}
		}
		if got := replication.ReasonOf(wrapped); got != tt.want {
			t.Errorf("%v: %q, want %q", tt.err, got, tt.want)
		}
	}
}
