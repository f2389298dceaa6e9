package store

import "io"

// Reload replaces all data by what a file of it holds, as the command DEBUG RELOAD
// does: a test of both directions that leaves the data as it was. History and stream
// know nothing of it. Writers wait for all of it, O(n); readers do not.
func (r Replication) Reload() error {
	s := r.s
	if err := s.lock(); err != nil {
		return err
	}
	defer s.unlock()
	sn := s.newSnapshot()
	s.cut(sn)
	defer func() {
		s.forgetSnapshot(sn)
		sn.past.drop()
	}()
	l := r.NewLoader()
	l.old = nil // every entry is to be made anew
	if err := l.loadFrom(sn); err != nil {
		return err
	}
	s.install(l.gen)
	l.whole = false
	return nil
}

// loadFrom loads a file while sn writes it: there is never all of it.
func (l *Loader) loadFrom(sn *Snapshot) error {
	in, out := io.Pipe()
	written := make(chan struct{})
	go func() {
		defer close(written)
		out.CloseWithError(sn.WriteRDB(out, nil)) // an error of it is what the loader reads
	}()
	err := l.LoadRDB(in)
	in.CloseWithError(err) // the writer does not wait for a reader that is gone
	<-written
	return err
}
