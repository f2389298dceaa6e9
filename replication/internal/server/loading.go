package server

import (
	"fmt"

	"github.com/understudy-go/understudy/store"
)

// This file is what clients see of a payload that is being decoded. Mostly they read the old data meanwhile, which Redis calls loading asynchronously. A replica
// that has dropped the old data first has nothing to show: then it is loading, and commands that need data are refused.

// errLoading is how Redis words it.
const errLoading = "LOADING Redis is loading the dataset in memory"

// vacant tells whether the data was dropped and the new is not complete.
func (s *Server) vacant() bool { return s.store.Replication().Vacant() }

// loading tells whether a command has to be refused because there is no data. A transaction that it was to be a part of is spoilt. Commands that do not
// exist, or have the wrong number of arguments, are left to be told so; those of an operator work, as it may take another primary to end this state.
func (c *conn) loading(args [][]byte) bool {
	if !c.srv.vacant() {
		return false
	}
	name, flags := c.srv.resolve(args)
	if name == "" || flags&(store.FlagLoading|store.FlagAdmin) != 0 {
		return false
	}
	c.session.Spoil()
	return true
}

// loading writes the fields on what is being decoded. Redis shows an end that is near when it knows no size; here the fields that need one are left out then.
func (w *infoWriter) loading(up *UpstreamState) {
	busy := up != nil && !up.LoadStart.IsZero()
	vacant := w.srv.vacant()
	w.field("loading", bit(vacant))
	w.field("async_loading", bit(busy && !vacant))
	if !busy {
		return
	}
	w.field("loading_start_time", up.LoadStart.Unix())
	w.field("loading_total_bytes", up.DecodeTotal)
	w.field("loading_loaded_bytes", up.DecodedBytes)
	if up.DecodeTotal > 0 {
		w.field("loading_loaded_perc", fmt.Sprintf("%.2f", 100*float64(up.DecodedBytes)/float64(up.DecodeTotal)))
	}
	if !up.LoadEnd.IsZero() {
		w.field("loading_eta_seconds", seconds(up.LoadEnd.Sub(w.now)))
	}
}
