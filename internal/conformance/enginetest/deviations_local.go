package enginetest

// ofDynamoDBLocal is what DynamoDB Local 3.1.0 does otherwise than AWS documents.
var ofDynamoDBLocal = map[string]string{
	"TestTransactions/ARN":                     "knows no ARN of a table; it may stand for the name",
	"TestTransactions/returns_the_new":         "takes any value; an action returns NONE or ALL_OLD",
	"TestTransactions/empty_token":             "takes an empty token; it has 1 to 36 characters",
	"TestTransactions/same_item/two_spellings": "compares the keys of all but Puts as they are written; two actions on one item are refused",

	"TestTransactions/token_of_19_emoji":                    "counts units of UTF-16; AWS does not say what a character is",
	"TestTransactionsWithEvents/4_MB_with_an_event":         "counts conditions; AWS does not say so",
	"TestExpressions/*_without_an_expression":               "refuses placeholders without an expression; AWS may take them, in some regions at least",
	"TestExpressions/2_MB_of_names_and_values":              "has a limit of 1 MB for an expression and what its placeholders stand for; they stand for up to 2 MB",
	"TestValues/33_maps_in_a_condition":                     "looks at the depth of an expression's value; AWS does in some regions only",
	"TestValues/32_lists_around_an_empty_list_in_condition": "looks at the depth of an expression's value; AWS does in some regions only",
	"TestValues/*/zero_with_one_*":                          "does not look at the exponent of a zero; AWS does",

	"TestItemSizeOfRandomItems":                     "pairs the digits of a number from its point on, and counts one pair more",
	"TestItemSizeIsTheEngines/number_*0.012/*":      "pairs the digits of a number from its point on, and counts one pair more",
	"TestItemSizeIsTheEngines/number_12e1[12]*/*":   "pairs the digits of a number from its point on, and counts one pair more",
	"TestItemSizeIsTheEngines/number_1234e-7/*":     "pairs the digits of a number from its point on, and counts one pair more",
	"TestItemSizeIsTheEngines/number_1234*800000/*": "pairs the digits of a number from its point on, and counts one pair more",
	"TestItemSizeIsTheEngines/number_-7.777*/*":     "counts no number for more than 21 bytes",

	"TestValues/*/digits_of_another_script": "takes the digits of any script, as Java does; a number has the digits 0 to 9",
}
