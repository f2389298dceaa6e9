package replication

import (
	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store"
)

// This file is pure but for the reader that it pulls from: it cuts the stream into batches for the store.
//
// A batch is what is already in the read buffer, so that a busy stream costs one lock for hundreds of commands and a quiet one waits for nothing.

// Bounds of a batch: they bound how long readers of several keys may have to retry, and the pause until the next acknowledgement.
const (
	maxBatchFrames = 1024
	maxBatchBytes  = 1 << 20
)

// batch holds consecutive commands of the stream. The frames alias the reader's buffer and are valid until the next read.
type batch struct {
	frames []store.Frame
	bytes  int
	err    error // met after the last frame; returned by the next read, so that what came before is applied first
}

// read waits for one command and takes along those that are complete.
func (b *batch) read(r *resp.Reader) error {
	if b.err != nil {
		return b.err
	}
	clear(b.frames)
	b.frames, b.bytes = b.frames[:0], 0
	args, err := r.ReadCommand()
	if err != nil {
		return err
	}
	for ok := true; ok && b.err == nil; args, ok, b.err = r.TryCommand() {
		b.add(args, r.LastSize())
		if len(b.frames) >= maxBatchFrames || b.bytes >= maxBatchBytes {
			return nil
		}
	}
	return nil
}

func (b *batch) add(args [][]byte, size int) {
	b.frames = append(b.frames, store.Frame{Args: args, Size: size})
	b.bytes += size
}

// run returns how many frames can be applied before the next question for an acknowledgement, and their bytes. A question at the very beginning is part of
// the run, because the answer to it counts what came before it: ask isGetAck first. If somebody waits for a mark, the run ends behind the first.
func run(frames []store.Frame, armed bool) (n, bytes int) {
	for n < len(frames) && (n == 0 || !isGetAck(frames[n].Args)) {
		bytes += frames[n].Size
		n++
		if armed && isMark(frames[n-1].Args) {
			break
		}
	}
	return n, bytes
}
