/** `heddle/serve/onnx`: models in ONNX files, described for `replicas`. */
export { embeddings, type EmbeddingsOptions } from './embeddings.ts'
export { classifier, type ClassifierOptions } from './classifier.ts'
export type { OnnxModelOptions } from './engine.ts'
