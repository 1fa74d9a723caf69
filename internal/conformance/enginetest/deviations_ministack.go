package enginetest

// ofMiniStack is what MiniStack 1.5.33 does otherwise than AWS documents. The
// rules are of the chapters on names and data types, on quotas and on
// transactions
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html,
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html,
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html).
var ofMiniStack = func() map[string]string {
	const (
		names        = "takes any attribute name; a name has at least 1 character and less than 64 KB"
		sets         = "takes empty sets in expressions; a set is not empty"
		null         = "takes a null that is false in expressions; it is always true"
		nilBinary    = "takes in expressions what the SDK sends for a nil binary; it is no binary"
		innermost    = "counts the innermost map or list only if it holds something"
		placeholders = "takes any placeholder; it begins with # or :, something follows, and it has up to 255 characters"
		substituted  = "does not limit what placeholders stand for; they stand for up to 2 MB"
		maps         = "takes empty maps of names and values; they must not be empty"
		grammar      = "takes more expressions than the grammar has, and does not count operators and operands"
		paths        = "does not look at the paths of an update; they must not overlap, nor be of the key"
		keys         = "does not look at the key of Delete, Update and ConditionCheck in a transaction; it has the attributes of the table's key, and their sizes"
		noKey        = "takes an item of a transaction without the table's key; the item has it"
		size         = "counts the JSON of the request; the items have up to 4 MB"
		pairs        = "pairs the digits of a number from its point on, and counts one pair more"
		digits       = "takes the digits of any script, as Python does; a number has the digits 0 to 9"
	)
	return map[string]string{
		"TestPayloadsThatAMapCanNotHold/empty_key":           names,
		"TestPayloadsThatAMapCanNotHold/key_of_65,536_bytes": names,

		"TestExpressions/empty_name":               names,
		"TestExpressions/name_of_65,536_bytes":     names,
		"TestExpressions/placeholder_of_256_bytes": placeholders,
		"TestExpressions/value's_of_256_bytes":     placeholders,
		"TestExpressions/#_alone":                  placeholders,
		"TestExpressions/:_alone":                  placeholders,
		"TestExpressions/name_without_#":           placeholders,
		"TestExpressions/value_without_:":          placeholders,
		"TestExpressions/a_byte_more":              substituted,
		"TestExpressions/empty_names":              maps,
		"TestExpressions/empty_values":             maps,

		"TestGrammarIsLeftToDynamoDB/301_operators":      grammar,
		"TestGrammarIsLeftToDynamoDB/101_operands_of_IN": grammar,
		"TestGrammarIsLeftToDynamoDB/character":          grammar,
		"TestGrammarIsLeftToDynamoDB/paths_that_overlap": paths,
		"TestGrammarIsLeftToDynamoDB/part_of_the_key":    paths,

		"TestItemSizeOfRandomItems":                     pairs,
		"TestItemSizeIsTheEngines/number_*0.012/*":      pairs,
		"TestItemSizeIsTheEngines/number_12e1[12]*/*":   pairs,
		"TestItemSizeIsTheEngines/number_1234e-7/*":     pairs,
		"TestItemSizeIsTheEngines/number_1234*800000/*": pairs,

		"TestKeys/[DUC]*/of_2,049_bytes":                 keys,
		"TestKeys/[DUC]*/of_2,049_bytes_when_sent":       keys,
		"TestKeys/[DUC]*/both_over_1,024_bytes":          keys,
		"TestKeys/[DUC]*/event_store,_pk_of_2,049":       keys,
		"TestKeys/[DUC]*/event_store,_no_pk":             keys,
		"TestKeys/[DUC]*/event_store,_no_sk":             keys,
		"TestKeys/three_attributes":                      keys,
		"TestKeys/event_store,_other_sort_key":           keys,
		"TestKeys/keys_of_two_shapes":                    keys,
		"TestKeys/keys_of_two_names":                     keys,
		"TestKeys/not_shown:_names":                      keys,
		"TestKeys/not_shown:_which_is_sort_key":          keys,
		"TestKeys/not_shown:_attribute_of_an_index":      keys,
		"TestKeys/Put_beside_a_Delete/event_store,_no_*": noKey,
		"TestKeys/Put_without_what_Delete_has":           noKey,
		"TestKeys/not_shown:_no_key_in_a_Put":            noKey,

		"TestReadingRules/a_key_of_another_type_begins_no_page": "begins a page behind a key of another type; it has the types of the table's key",

		"TestStoreRules/a_key_is_a_number,_however_it_is_written": "compares the numbers of keys as they are written; a number is its value",
		"TestStoreRules/an_item_without_the_table's_key":          noKey,

		"TestTransactions/two_operations":               "does one of two operations of an action; an action has one operation",
		"TestTransactions/returns_the_new":              "takes any value; an action returns NONE or ALL_OLD",
		"TestTransactions/empty_token":                  "takes an empty token; it has 1 to 36 characters",
		"TestTransactions/empty_Item":                   noKey,
		"TestTransactions/empty_Key":                    keys,
		"TestTransactions/same_item/two_spellings":      "compares the numbers of keys as they are written; two actions on one item are refused",
		"TestTransactions/4_MB":                         size,
		"TestTransactionsWithEvents/4_MB_with_an_event": size,

		"TestValues/attribute_of_65,536_bytes":          names,
		"TestValues/*/name_of_65,536_bytes":             names,
		"TestValues/*/name_of_65,536_bytes,_characters": names,
		"TestValues/*/empty_name":                       names,
		"TestValues/*/empty_name_in_a_list":             names,
		"TestValues/*/digits_of_another_script":         digits,
		"TestValues/[uc]*/empty_set*":                   sets,
		"TestValues/[uc]*/null_that_is_false*":          null,
		"TestValues/[uc]*/nil_binary*":                  nilBinary,

		"TestEventStoreKeepsTheOrder/aggregate": "scans the numbers of a sort key as texts; they are in the order of their values",

		"TestOwnEventBesideAnotherRefusal": "looks at no action behind one that is invalid; each action has its reason",

		"TestExpressions/*_without_an_expression":      "refuses placeholders without an expression; AWS may take them, in some regions at least",
		"TestValues/33_maps_in_a_condition":            "looks at the depth of an expression's value; AWS does in some regions only",
		"TestValues/31_*_around_an_empty_*_in_an_item": innermost,
	}
}()
