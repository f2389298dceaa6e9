package realserver

import "fmt"

// reply runs a command whose reply must be a T.
func reply[T any](d Doer, args ...string) (T, error) { return as[T](d.Do(args...)) }

// as converts a reply; an error among the forms of [Doer] becomes the error result.
func as[T any](v any) (T, error) {
	if got, ok := v.(T); ok {
		return got, nil
	}
	var none T
	if err, ok := v.(error); ok {
		return none, err
	}
	return none, fmt.Errorf("realserver: reply is %T, want %T", v, none)
}

func replyTexts(d Doer, args ...string) ([]string, error) {
	list, err := reply[[]any](d, args...)
	if err != nil {
		return nil, err
	}
	return texts(list)
}

// texts converts an array whose elements must all be strings.
func texts(list []any) ([]string, error) {
	out := make([]string, len(list))
	for i, v := range list {
		s, err := as[string](v)
		if err != nil {
			return nil, fmt.Errorf("element %d: %w", i, err)
		}
		out[i] = s
	}
	return out, nil
}
