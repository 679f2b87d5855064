// A whole adapter in Go, without dependencies. It answers what its engine can answer, names what it lacks, and agrees with the model on the
// rest. To put your implementation under test, replace decide, and drop a skipped wherever your implementation has an answer.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
)

// A line from the harness. Policies stay as they came until they are read.
type line struct {
	Cmd      string `json:"cmd"`
	Seq      uint64 `json:"seq"`
	Evaluate struct {
		Request  *request `json:"request"`
		Policies policies `json:"policies"`
	} `json:"evaluate"`
}

type request struct {
	Principal       json.RawMessage `json:"principal"`
	Action          string          `json:"action"`
	Resource        string          `json:"resource"`
	ResourceAccount string          `json:"resource_account"`
}

type policies struct {
	Identity []json.RawMessage `json:"identity"`
	Resource json.RawMessage   `json:"resource"`
}

type answer map[string]any

// The engine lacks a capability that the request needs. It names the capability, never the case.
type skipped string

func (lacking skipped) Error() string { return string(lacking) }

var hello = answer{
	"protocol": 1,
	// Known divergences are kept under this name: expectations/example-go.toml.
	"implementation": answer{"name": "example-go", "version": "1"},
	// What it can be asked. Requests with a boundary, a session policy, SCPs … are not sent to an adapter that does not name them.
	"capabilities": []string{"evaluate"},
	// What it stands for. It does not say which policy a message would blame.
	"compare": "decision",
}

func main() {
	in := bufio.NewReader(os.Stdin)
	out := json.NewEncoder(os.Stdout)
	for {
		text, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		var asked line
		if err := json.Unmarshal(text, &asked); err != nil {
			// A fault of the adapter: the process ends, and the harness says so with the end of standard error.
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		if asked.Cmd == "bye" {
			return
		}
		// One line a question. Logs go to standard error.
		if err := out.Encode(answerTo(asked)); err != nil {
			return
		}
	}
}

func answerTo(asked line) answer {
	switch {
	case asked.Cmd == "hello":
		return hello
	case asked.Cmd != "evaluate" || asked.Evaluate.Request == nil:
		return answer{"seq": asked.Seq, "unsupported": true}
	}
	decision, err := decide(*asked.Evaluate.Request, asked.Evaluate.Policies)
	if err != nil {
		return answer{"seq": asked.Seq, "skipped": err.Error()}
	}
	return answer{"seq": asked.Seq, "decision": decision}
}

// The engine: identity-based policies of users on S3, with Effect, Action and Resource.
func decide(asked request, given policies) (string, error) {
	var principal string
	if json.Unmarshal(asked.Principal, &principal) != nil || !strings.Contains(principal, ":user/") {
		return "", skipped("principals_other_than_users")
	}
	if !strings.HasPrefix(asked.Action, "s3:") || given.Resource != nil || asked.ResourceAccount != "" {
		return "", skipped("resource_policies")
	}
	if strings.Contains(asked.Resource, "*") || !strings.HasPrefix(asked.Resource, "arn:aws:s3:::") {
		return "", skipped("resources_other_than_objects")
	}
	// Every policy is read before any is asked: what cannot be read must not hide behind a denial.
	var all []statement
	for _, policy := range given.Identity {
		statements, err := statementsOf(policy)
		if err != nil {
			return "", err
		}
		all = append(all, statements...)
	}
	decision := "implicit_deny"
	for _, one := range all {
		if !matchesAny(lower(one.actions), strings.ToLower(asked.Action)) || !matchesAny(one.resources, asked.Resource) {
			continue
		}
		if one.effect == "Deny" {
			return "explicit_deny", nil
		}
		decision = "allow"
	}
	return decision, nil
}

type statement struct {
	effect             string
	actions, resources []string
}

var (
	actionForm   = regexp.MustCompile(`^(\*|s3:[A-Za-z*?]+)$`)
	resourceForm = regexp.MustCompile(`^(\*|arn:aws:s3:::[a-z0-9./*?-]+)$`)
)

// Effect, actions and resources of each statement. A policy is an object, or a text that is to be parsed as it stands.
func statementsOf(policy json.RawMessage) ([]statement, error) {
	var members map[string]json.RawMessage
	if json.Unmarshal(policy, &members) != nil {
		return nil, skipped("policy_grammar")
	}
	for name := range members {
		if name != "Version" && name != "Statement" {
			return nil, skipped("policy_grammar")
		}
	}
	version := "2012-10-17"
	if text, given := members["Version"]; given && json.Unmarshal(text, &version) != nil {
		return nil, skipped("policy_grammar")
	}
	if version != "2012-10-17" && version != "2008-10-17" {
		return nil, skipped("policy_grammar")
	}
	var list []map[string]json.RawMessage
	if json.Unmarshal(members["Statement"], &list) != nil {
		var only map[string]json.RawMessage
		if json.Unmarshal(members["Statement"], &only) != nil || only == nil {
			return nil, skipped("policy_grammar")
		}
		list = append(list, only)
	}
	if len(list) == 0 {
		return nil, skipped("policy_grammar")
	}
	var found []statement
	for _, one := range list {
		var effect string
		err := json.Unmarshal(one["Effect"], &effect)
		actions, ofActions := listed(one["Action"], actionForm)
		resources, ofResources := listed(one["Resource"], resourceForm)
		plain := err == nil && ofActions && ofResources && len(one) == 3 && (effect == "Allow" || effect == "Deny")
		if !plain {
			return nil, skipped("policy_grammar")
		}
		found = append(found, statement{effect, actions, resources})
	}
	return found, nil
}

// The texts of a member, and whether all are of the form.
func listed(value json.RawMessage, form *regexp.Regexp) ([]string, bool) {
	var list []*string
	var only string
	if json.Unmarshal(value, &only) == nil {
		list = []*string{&only}
	} else if json.Unmarshal(value, &list) != nil {
		return nil, false
	}
	texts := make([]string, 0, len(list))
	for _, one := range list {
		if one == nil || !form.MatchString(*one) {
			return nil, false
		}
		texts = append(texts, *one)
	}
	return texts, len(texts) > 0
}

func lower(texts []string) []string {
	lowered := make([]string, len(texts))
	for position, text := range texts {
		lowered[position] = strings.ToLower(text)
	}
	return lowered
}

func matchesAny(patterns []string, text string) bool {
	for _, pattern := range patterns {
		quoted := regexp.QuoteMeta(pattern)
		quoted = strings.ReplaceAll(strings.ReplaceAll(quoted, `\*`, `.*`), `\?`, `.`)
		if regexp.MustCompile(`^(?s:` + quoted + `)$`).MatchString(text) {
			return true
		}
	}
	return false
}
