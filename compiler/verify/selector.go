package verify

import "slices"

// takes reports whether a label selector (matchLabels, matchExpressions) takes an object with these labels.
func takes(selector any, labels map[string]any) bool {
	for k, v := range dict(selector, "matchLabels") {
		if got, ok := labels[k]; !ok || got != v {
			return false
		}
	}
	return meets(list(selector, "matchExpressions"), labels)
}

// meets reports whether labels meet every expression of a selector.
func meets(expressions []any, labels map[string]any) bool {
	for _, e := range expressions {
		v, ok := labels[str(e, "key")]
		s, _ := v.(string)
		in := ok && slices.Contains(strs(e, "values"), s)
		switch str(e, "operator") {
		case "In":
			ok = in
		case "NotIn":
			ok = !in
		case "DoesNotExist":
			ok = !ok
		case "Exists":
		default: // Gt, Lt: a number that labels rarely hold
			ok = ok && s != ""
		}
		if !ok {
			return false
		}
	}
	return true
}
