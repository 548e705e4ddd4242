package verify

import (
	"reflect"
	"slices"
)

// checkCiliumGlass: every policy that holds requests, or has callers authenticated, has another for an incident, which is the
// same without: nobody is admitted whom the site's own does not admit.
func (p *pass) checkCiliumGlass(open []*object) {
	is := func(o *object) bool { return o.is("cilium.io", "CiliumNetworkPolicy") }
	for _, was := range p.objects {
		if !is(was) {
			continue
		}
		want, held := withoutRequests(was.value)
		_, tunnel := onlyZtunnel(was.value)
		held = held || tunnel
		i := slices.IndexFunc(open, func(o *object) bool { return is(o) && o.String() == was.String() })
		switch {
		case i < 0 && held:
			was.report(p, ruleStaged, nil, "break-glass/open does not take the proxy out of its way")
		case i >= 0 && tunnel:
			if without, beside := onlyZtunnel(open[i].value); !beside || closedBeside(open[i].value) || !reflect.DeepEqual(without, want) {
				open[i].report(p, ruleStaged, nil, "it is not the site's own with plain text beside ztunnel, and without requests")
			}
		case i >= 0 && (!held || !reflect.DeepEqual(open[i].value, want)):
			open[i].report(p, ruleStaged, nil, "it is not the site's own without requests")
		}
	}
}

// withoutRequests is a policy without what its rules say of requests and of authentication, and whether they say anything.
func withoutRequests(v any) (any, bool) {
	held := false
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for key, x := range v {
			if key == "authentication" {
				held = true
				continue
			}
			if rules := dict(x); key == "rules" && rules["http"] != nil {
				held = true
				if rules = less(rules, []string{"http"}); len(rules) == 0 {
					continue
				}
				x = rules
			}
			y, h := withoutRequests(x)
			out[key], held = y, held || h
		}
		return out, held
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			y, h := withoutRequests(x)
			out[i], held = y, held || h
		}
		return out, held
	}
	return v, false
}

// onlyZtunnel is a policy whose rules that admit the port of ztunnel admit nothing else, and whether it has such rules: in an
// incident each of them admits plain text beside it.
func onlyZtunnel(v any) (any, bool) {
	found := false
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for key, x := range v {
			var in bool
			if ports := list(x); key == "ports" && len(ports) > 0 && str(ports[0], "port") == ztunnelPort {
				out[key], in = ports[:1:1], true
			} else {
				out[key], in = onlyZtunnel(x)
			}
			found = found || in
		}
		return out, found
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			var in bool
			out[i], in = onlyZtunnel(x)
			found = found || in
		}
		return out, found
	}
	return v, false
}

// closedBeside reports whether a rule admits the port of ztunnel alone.
func closedBeside(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		if ports := list(v["ports"]); len(ports) == 1 && str(ports[0], "port") == ztunnelPort {
			return true
		}
		for _, x := range v {
			if closedBeside(x) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, closedBeside)
	}
	return false
}
