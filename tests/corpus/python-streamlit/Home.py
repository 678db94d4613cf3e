import streamlit as st

st.title("Greeting")
st.write("a script that its own program serves")
