export const config = {
  architectures: ["LlamaForCausalLM"],
  hidden_size: 64,
  num_hidden_layers: 1,
  intermediate_size: 128,
  num_attention_heads: 4,
  vocab_size: 100,
};
